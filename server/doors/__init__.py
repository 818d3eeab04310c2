"""Doors: where people are let in by a code, a QR, a hand or a position, and what happens at them.

codes, passes --> arrivals (who asks for what) --> rules (pure: in, ask, no) --> passing (check-ins, passages)
                                                                                    +--> asks (the host says yes or no)
"""
