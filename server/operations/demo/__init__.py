"""The demonstration neighbourhood: simulated people, a radio model, real agents.

neighbourhood   the street, its venues, zones and Pis (pure data and geometry)
residents       who lives there, and what each means to do tonight (pure data)
people          how they walk about (pure, seeded)
radio           how loud a Pi hears a badge (pure, seeded)
seed            puts it all into the database, through the services
world           the process `muster world`: steps people and radio, and is the parent of the simulated Pis' agents
"""
