"""Proposed gatherings: "if eight of us commit by Thursday it happens".

open --commitments, under the proposal's lock--> rules.judge --settling.publish--> an event, who can is signed up
                                                            `--lapsed, withdrawn: everybody is told
"""
