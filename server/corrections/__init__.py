"""Facts that change what was heard already: placements, pairings, sign-ups and steps, also for the past.

fact (another capability's service) -> spans and trace go where they belong -> visits and stays -> check-ins
all in one transaction behind the fence of every venue whose rows are rewritten
"""
