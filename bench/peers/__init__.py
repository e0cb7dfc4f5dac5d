"""Other servers under the same load: each in an environment of its own (see setup.sh), on the same sleep model."""
