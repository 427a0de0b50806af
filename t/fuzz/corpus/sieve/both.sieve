# postern out of office, version 1
# Written for Outlook; a change made there replaces this file.
# state: Scheduled
# external audience: All
# start: 2026-03-02T09:00:00Z
# end: 2026-03-03T09:00:00Z
# internal language: de

require ["date", "envelope", "include", "relational", "vacation"];

if allof (currentdate :zone "+0000" :value "ge" "iso8601" "2026-03-02T09:00:00",
          currentdate :zone "+0000" :value "lt" "iso8601" "2026-03-03T09:00:00") {
    # internal reply
    if envelope :domain :is "from" ["example.test"] {
        vacation :days 1 :handle "postern-internal"
            :addresses ["example.test"]
            :subject "Away"
            :mime "Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

a \"b\" \\ c";
    }
    # external reply
    if not envelope :domain :is "from" ["example.test"] {
        vacation :days 1 :handle "postern-external"
            :addresses ["example.test"]
            :subject "Away"
            :mime "Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

lone=0DCR =3D x";
    }
}

# The user's own filters.
include :personal :optional "own";
