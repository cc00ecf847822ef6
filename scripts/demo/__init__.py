"""The demo: a whole federated project on a local chain, with good, noisy and dishonest trainers, checked to the unit."""
