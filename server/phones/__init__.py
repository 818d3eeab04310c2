"""What phones tell by themselves: where they are, and which venue's beacon they heard.

OwnTracks -MQTT-> listener -queue-> batch --+
OwnTracks -HTTP-> routes ------------------+--owntracks (pure)--> service.take -> positions (cells), fences
a page, any app -HTTP-> routes -------------+--> hearings (pure) -> doors: a check-in with the evidence `heard`
"""
