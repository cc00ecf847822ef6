"""The trainer: local data and training, encrypted committed updates, attestation and claims."""
