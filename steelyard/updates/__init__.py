"""From a trained model to the integers that are committed to, encrypted and summed, and back to the next model."""
