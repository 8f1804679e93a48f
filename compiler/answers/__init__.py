"""What a network answers to a picture: boxes, classes, maps of classes."""
