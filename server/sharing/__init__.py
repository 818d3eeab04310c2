"""What publishing gives: what everybody may see of a gathering, its share picture, and a line to paste.

event, steps -> reading -> Gathering or Veiled -> words -> page, line
                                               -> poster -> layout -> drawing -> PNG
"""
