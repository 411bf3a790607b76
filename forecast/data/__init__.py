"""Tables in, checked and in normal form (`Panel`), and the way back."""
