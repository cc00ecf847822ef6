"""Steelyard: the protocol that every party of the marketplace must agree on."""
