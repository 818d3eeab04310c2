"""The demonstration's controls: where the simulated people and Pis are, moving "You", killing a Pi."""
