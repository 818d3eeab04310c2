"""The program on a Raspberry Pi that listens: files in the order in which a signal passes.

radio | replay | fake        one seam: adverts come in
        ibeacon              bytes -> identity and power, or a reason
        window               adverts -> readings of one window
        wire                 readings -> a signed, numbered report
        spool                SQLite: kept until exactly this report is settled
        publisher            MQTT: newest first, resend, exact acknowledgements
"""
