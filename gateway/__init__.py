"""MQTT in, presence out: files in the order in which a report passes.

ingest -> identify -> join -> record -> acknowledge -> announce
(queue)   (who, where) (pure)  (one transaction) (then)   (then)
"""
