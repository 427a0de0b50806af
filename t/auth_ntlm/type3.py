#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

# Answers each line "TYPE2 USER PASSWORD DOMAIN" with the NTLMv2 type 3 for that
# type 2; each word is in base64.

import base64
import sys

from impacket import ntlm


def answer(type2, user, password, domain):
    type1 = ntlm.getNTLMSSPType1('WS01', domain, False, True)
    type3, _ = ntlm.getNTLMSSPType3(type1, type2, user, password, domain, '',
                                    '', True)
    return type3.getData()


for line in sys.stdin:
    words = [base64.b64decode(word) for word in line.rstrip('\n').split(' ')]
    type3 = answer(words[0], *[word.decode() for word in words[1:]])
    print(base64.b64encode(type3).decode(), flush=True)
