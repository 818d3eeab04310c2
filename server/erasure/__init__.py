"""Leaving: everything about oneself as files, and being erased with a receipt; what was counted stays counted."""
