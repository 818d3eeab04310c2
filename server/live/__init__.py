"""The live stream: a snapshot, then what changed, for each viewer as far as she may see.

MQTT --news--> hub --watch (a topic in memory)--> view (per audience) --changes--> viewer --stream--> browser
                ^          ^ venue: presence, event: gatherings, member: members (read from the tables)
                rights: who may watch what, asked again every few seconds
commit --announce--> MQTT
"""
