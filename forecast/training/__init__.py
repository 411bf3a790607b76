"""Training through Keras: the only room, with the compiled runtime, that knows TensorFlow."""
