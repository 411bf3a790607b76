"""What the site needs beyond its configuration: pages outside of docs/, examples of docstrings."""

import posixpath
import re

import griffe
from mkdocs.structure.files import File

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "datasets/README.md": "datasets.md",
}
SOURCES = {page: source for source, page in PAGES.items()}
MOVED = re.compile(r"^::: forecast\.(datasets)\.(\w+)$", re.M)  # installed inside the package
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files, config):
    """Add the pages outside of docs/."""
    root = posixpath.dirname(config.config_file_path)
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=posixpath.join(root, source)))
    return files


def on_page_markdown(markdown, page, **_):
    """Point links between files of the repository, and entries of the reference, to their place."""
    source = SOURCES.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def target(link):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[1]))
        return PAGES.get(path, posixpath.relpath(path, "docs"))

    entry = r"::: \1.\2\n    options: {heading: forecast.\1.\2, toc_label: \2}"
    return MOVED.sub(entry, LINK.sub(target, markdown))


class Docstrings(griffe.Extension):
    """What the reference reads differently from the code as it is written."""

    def on_object(self, *, obj, **_):
        """Call the section "Example:" of a docstring "Examples:", which griffe knows."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"(?m)^Example:$", "Examples:", obj.docstring.value)

    def on_attribute_instance(self, *, attr, **_):
        """Show the default of an option instead of its declaration."""
        if isinstance(attr.value, griffe.ExprCall) and str(attr.value.function) == "option":
            attr.value = attr.value.arguments[0]
