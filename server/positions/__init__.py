"""Where members are, as far as they say it and somebody needs it: a cell, with an end.

fix --service.keep--> position (a cell of H3) --service.where--> whoever asks for her; the clock takes it away
"""
