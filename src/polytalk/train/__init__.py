"""How the models that the project ships were made: data, training, export, evaluation. Needs the extra `train`."""
