"""What targets alone predict: spectra, the ring and the period it implies, the modes of a box."""
