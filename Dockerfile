# The HTTP service of a model, on the small installation:
#
#   docker build --tag forecast .
#   docker run --publish 8000:8000 --volume "$PWD/model.forecast:/model.forecast:ro" \
#       --volume forecast-states:/states --env FORECAST_TOKEN forecast
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/forecast
RUN /opt/forecast/bin/pip install --no-cache-dir --constraint /source/constraints.txt "/source/small[serve]"

FROM python:3.12-slim
ENV PATH=/opt/forecast/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 1000 --create-home forecast && install --directory --owner forecast /states
COPY --from=build /opt/forecast /opt/forecast
USER forecast
WORKDIR /states
VOLUME /states
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["forecast"]
CMD ["serve", "/model.forecast", "--states", "/states", "--host", "0.0.0.0", "--port", "8000"]
