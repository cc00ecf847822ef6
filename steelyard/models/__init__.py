"""Models: specifications, the built-in zoo, and their files. The only package here that may import torch."""
