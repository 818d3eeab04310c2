"""Who came to what, who stayed, who came back: read from check-ins, with what they prove."""
