"""Studies: many seeds of each recipe, on one machine or many (`python -m mnist_cnn.study`)."""
