"""The program on a Raspberry Pi that listens: files in the order in which a signal passes.

radio | replay | fake        one seam: adverts come in
        ibeacon              bytes -> identity and power, or a reason
        window               adverts -> readings of one window
        clock                what dates them: one anchor, and the kernel's monotonic time
        spool                SQLite: kept until exactly this report is settled
            packing          windows in few bytes
            merging          windows that wait long become one, undated ones aligned
            tidying, store, schema   its transactions, file and tables
        wire                 readings -> a signed, numbered report
        publisher            MQTT: newest first, resend (flow), exact acknowledgements
            link             one connection to the broker
"""
