"""Benchmarks, each beside its baseline: `muster bench NAME`. Their own logic is tested; they are not run by tests.

ingest, latency, chaos       what is measured, one module each with `main(options)`
stage                        PostgreSQL, Mosquitto, gateway and server of a run, in a folder that is thrown away
town, crowd                  the simulated venues and badges: as tables, and as signed reports of window after window
packets, sender, generator   the load: MQTT packets by hand, flow control by acknowledgements, a process of its own
relevance                    our ranking beside others, by who really came; with worldfiles, world (simulated), past
                             (what was known), questions (asked and learnt from), rivals, judging
usage, figures               what processes and tables cost; tables, JSON, the machine
"""
