# SPDX-License-Identifier: Apache-2.0
"""Three ports of aiosmtpd: clear, starttls, smtps, each only for who logs in.

aiosmtpd_server.py FOLDER CERTIFICATE KEY CLEAR STARTTLS SMTPS

Mails land in FOLDER, one file each; the user is fred, the password
uniquePassword."""

import hmac
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

USER, PASSWORD = b"fred", b"uniquePassword"


class Keeper:
    count = 0

    def __init__(self, folder, name):
        self.folder, self.name = folder, name

    async def handle_DATA(self, server, session, envelope):
        Keeper.count += 1
        path = "%s/%s-%06d.eml" % (self.folder, self.name, Keeper.count)
        with open(path, "wb") as out:
            out.write(b"X-Login: %s\r\n" % (session.auth_data or b"nobody"))
            out.write(envelope.content)
        return "250 kept"

    # The underscores stand for the minus of CRAM-MD5.
    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<1896.697170952@mx.example.test>"
        answer = await server.challenge_auth(challenge)
        user, _, digest = answer.partition(b" ")
        wanted = hmac.new(PASSWORD, challenge, "md5").hexdigest().encode()
        return AuthResult(success=user == USER and digest == wanted, auth_data=user)


def authenticate(server, session, envelope, mechanism, data):
    ok = data.login == USER and data.password == PASSWORD
    return AuthResult(success=ok, handled=False, auth_data=data.login)


class Port(Controller):
    def __init__(self, *args, implicit_tls=None, **options):
        self.options = options
        super().__init__(*args, ssl_context=implicit_tls)

    def factory(self):
        return SMTP(self.handler, authenticator=authenticate, auth_required=True,
                    enable_SMTPUTF8=True, **self.options)


def main():
    folder, certificate, key = sys.argv[1:4]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    clear, starttls, smtps = (int(port) for port in sys.argv[4:7])
    ports = [
        Port(Keeper(folder, "clear"), "127.0.0.1", clear, auth_require_tls=False),
        Port(Keeper(folder, "starttls"), "127.0.0.1", starttls, tls_context=context,
             require_starttls=True, auth_require_tls=True),
        Port(Keeper(folder, "smtps"), "127.0.0.1", smtps, implicit_tls=context,
             auth_require_tls=False),
    ]
    for port in ports:
        port.start()
    signal.pause()


main()
