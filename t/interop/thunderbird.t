#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Thunderbird itself, given an address and a password: what it finds by its own
# file and by autodiscover, in each way that leads to a server; and it logs in
# with what it found, and sends.

use strict;
use warnings;
use lib qw(t/lib t/autodiscover t/interop);
use T::Netns;
use Test::More;
use Site;
use Ask qw(password);
use Thunderbird;
use Ways;

my $why = Thunderbird->missing;
plan skip_all => $why if $why;

my $site = Site->new->start;
my $bird = Thunderbird->new(ca => $site->{ca}{ca})->start;
note('Thunderbird ' . $bird->run('return Services.appinfo.version'));

# What each of its scripts below begins with.
my $prelude = <<'SCRIPT';
const modules = "resource:///modules/accountcreation/";
const { AccountConfig } = ChromeUtils.importESModule(modules + "AccountConfig.sys.mjs");
const { FetchConfig } = ChromeUtils.importESModule(modules + "FetchConfig.sys.mjs");
const { fetchConfigFromExchange } = ChromeUtils.importESModule(modules + "ExchangeAutoDiscover.sys.mjs");
const { FindConfig } = ChromeUtils.importESModule(modules + "FindConfig.sys.mjs");
const { ConfigVerifier } = ChromeUtils.importESModule(modules + "ConfigVerifier.sys.mjs");
const [email, password] = arguments;
const domain = email.split("@")[1];
const signal = new AbortController().signal;
const told = (config) => ({ by: config.subSource, servers: [config.incoming, ...config.incomingAlternatives, config.outgoing]
    .filter((s) => s.hostname).map((s) => [s.type, `${s.hostname}:${s.port}`, s.username, s.exchangeURL]
        .filter(Boolean).join(" ")).sort() });
SCRIPT
my %find = (
    autoconfig   => 'return told(await FetchConfig.fromISP(domain, email, signal));',
    autodiscover => 'return told(await fetchConfigFromExchange(domain, email, signal, null, password,'
        . ' async () => {}));',
    # What the dialogue for a new account does: everything at once.
    everything   => 'return told((await FindConfig.parallelAutoDiscovery(domain, email, signal, password).next()).value);',
);

# What it finds, a line a server: type host:port user URL.  Or what went wrong.
# In front of it is by which of its look-ups.
sub found {
    my ($how, $name, $password, $domain) = @_;
    my $told = eval { $bird->run($prelude . $find{$how}, "$name\@" . ($domain // 'example.test'), $password // password('alice')) };
    return $told ? join "\n", $told->{by}, @{ $told->{servers} } : $@ =~ s/\s+$//r;
}

my @mail = ('imap mail.example.test:993 alice@example.test', 'smtp mail.example.test:465 alice@example.test');
my $ews  = 'exchange mail.example.test:443 %EMAILADDRESS% https://mail.example.test/EWS/Exchange.asmx';
my %by   = (
    'the domain itself'             => 'url2',
    'plain HTTP, which redirects'   => 'url3',
    'an SRV record'                 => 'srv',
    'an SRV record, past a web server' => 'srv',
);

is(found('autoconfig', 'alice'), join("\n", 'xml-from-isp-https', @mail), 'by autoconfig');
is(found('autoconfig', 'nobody'), join("\n", 'xml-from-isp-https', map { s/alice/nobody/r } @mail), 'whoever asks: it tells nobody who exists');
for my $way (Ways::names()) {
    Ways::go($way);
    $bird->forget;
    my $by = 'exchange-from-' . ($by{$way} // 'url1');
    is(found('autodiscover', 'alice'), join("\n", $by, $ews, @mail), "by autodiscover: $way");
}
Ways::go_elsewhere();
$bird->forget;
is(found('autodiscover', 'alice', undef, 'moved.example.test'), join("\n", 'exchange-from-url1',
    $ews =~ s/%EMAILADDRESS%/alice\@moved.example.test/r, @mail), 'by autodiscover: the address is another now, the login is not');
Ways::go('the domain itself');
$bird->forget;
is(found('everything', 'alice'), join("\n", 'xml-from-isp-https', $ews, @mail), 'all at once');
unlike(found('autodiscover', $_->[0], $_->[1]), qr/mail\.example\.test/, "autodiscover: not $_->[2]")
    for ['bob', undef, 'another mailbox'], ['alice', 'wrong', 'by a wrong password'];

# --- and it uses what it found ---

my $account = $prelude . <<'SCRIPT';
const config = await FetchConfig.fromISP(domain, email, signal);
AccountConfig.replaceVariables(config, "Alice Example", email, password);
config.identity.realname = "Alice Example";
config.identity.emailAddress = email;
config.rememberPassword = true;
SCRIPT
my $log_in = $account . <<'SCRIPT';
return (await new ConfigVerifier(null, signal).verifyConfig(config, false)).incoming.hostname;
SCRIPT
sub log_in { eval { $bird->run($log_in, 'alice@example.test', $_[0]) } // $@ }
unlike(log_in('wrong'), qr/^mail\./, 'a wrong password does not open IMAP');
is(log_in(password('alice')), 'mail.example.test', 'the right one does');

my $sent = eval { $bird->run($account . <<'SCRIPT', 'alice@example.test', password('alice')) };
const { CreateInBackend } = ChromeUtils.importESModule(modules + "CreateInBackend.sys.mjs");
const made = await CreateInBackend.createAccountInBackend(config);
const identity = made.defaultIdentity;
identity.doFcc = false;
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
Object.assign(fields, { from: email, to: "bob@example.test", subject: "Found by myself" });
const path = PathUtils.join(PathUtils.tempDir, "mail.eml");
await IOUtils.writeUTF8(path, "From: " + email + "\r\nTo: bob@example.test\r\nSubject: Found by myself\r\n\r\nHello\r\n");
const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
file.initWithPath(path);
return new Promise((resolve, reject) => {
    const listener = {
        QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]),
        onStartSending() {}, onSendProgress() {}, onStatus() {}, onGetDraftFolderURI() {},
        onSendNotPerformed() { reject(new Error("not performed")); },
        onTransportSecurityError(id, status) { reject(new Error("TLS " + status)); },
        onStopSending(id, status) { status ? reject(new Error("status " + status)) : resolve("sent"); },
    };
    Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend).sendMessageFile(identity, made.key,
        fields, file, true, false, Ci.nsIMsgSend.nsMsgDeliverNow, null, listener, null, "");
});
SCRIPT
is($sent // $@, 'sent', 'the account is made, and sends');
like(($site->{mx}->wait_mail(1, 10))[0] // '', qr/^Subject: Found by myself\r?$/m, 'the mail arrives');

$bird->stop;
$site->stop(qw(AH01617));
done_testing();
