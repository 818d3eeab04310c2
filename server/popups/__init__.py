"""People who like the same and are near each other are asked "gather here?"; enough yes, and it is a gathering.

candidates: who may be asked --rules: groups--> offer --yes, yes, yes--> happening: an event --going: they left--> over
"""
