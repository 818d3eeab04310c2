"""The demonstration neighbourhood: simulated people, a radio model, real agents.

neighbourhood   the street, its venues, zones and Pis (pure data and geometry)
residents       who lives there, and what each means to do tonight (pure data)
people          how they walk about (pure, seeded)
radio           how loud a Pi hears a badge (pure, seeded)
line            a venue's line to the broker, which can be cut
names           what of it is called something, for the catalogue of texts
seed            puts it all into the database, through the services
world           the process `muster world`: steps people and radio, and is the parent of the simulated Pis' agents
"""
