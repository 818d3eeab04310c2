"""Reviews of venues and gatherings: what members say of them, those first who were there, by what proves it."""
