"""The machinery that puts a method to work on a model; none of it is public."""
