"""Plumbing for six notebooks that lead from raw pixels to a convolutional network on MNIST.

The modules follow the notebooks and import only to the left:
checks -> data -> models -> device -> recipes -> runs -> training -> evaluation -> plots -> drawing -> parts -> widgets.
"""
