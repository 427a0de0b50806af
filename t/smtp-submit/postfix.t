#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Mail for real: Postfix with Dovecot's and Cyrus' SASL, TLS both ways.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use T::Ca;
use T::Dir qw(temp_dir read_file write_file);
use T::Postfix;
use T::Submit;
use T::Wait qw(free_port until_port until_true);

plan skip_all => 'needs root' if $>;

my $dir = temp_dir();
my $ca  = T::Ca->make("$dir");
my $mx  = T::Postfix->new(ca => $ca)->start;
my ($status, $out, $err);

# More ports: one for who has a certificate, two for Cyrus SASL behind TLS.
my %more = map { $_ => free_port() } 'certificate', $mx->cyrus ? qw(cyrus_starttls cyrus_smtps) : ();
{
    my $cyrus = '-o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=cyrus -o smtpd_sasl_path=smtpd -o smtpd_sasl_local_domain=mx.example.test';
    my $master = $mx->dir . '/pf/master.cf';
    $mx->stop_postfix;
    write_file($master, read_file($master)
        . "127.0.0.1:$more{certificate} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_req_ccert=yes -o smtpd_tls_CAfile=$ca->{ca}"
        . " -o { smtpd_relay_restrictions = permit_tls_all_clientcerts, reject } -o { smtpd_recipient_restrictions = permit_tls_all_clientcerts, reject }\n"
        . (!$mx->cyrus ? '' : "127.0.0.1:$more{cyrus_starttls} inet n - n - - smtpd $cyrus -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes\n"
        . "127.0.0.1:$more{cyrus_smtps} inet n - n - - smtpd $cyrus -o smtpd_tls_wrappermode=yes\n"));
    $mx->start_postfix;
    until_port('127.0.0.1', $_, 30) or die "postfix does not listen on $_\n" for values %more;
}

my %tls = (clear => 'no mail smtpserver tls', cyrus => 'no mail smtpserver tls',
    open => 'no mail smtpserver tls', starttls => 'mail smtpserver tls starttls',
    smtps => 'mail smtpserver tls smtps', wrongname => 'mail smtpserver tls smtps',
    certificate => 'mail smtpserver tls smtps', cyrus_starttls => 'mail smtpserver tls starttls', cyrus_smtps => 'mail smtpserver tls smtps');

# A program set up for one of Postfix's ports.
sub submit_to {
    my ($port, $method, $host) = @_;
    my $s = T::Submit->new;
    $s->set('mail smtpserver ' . ($host // '127.0.0.1'), 'mail from fred@example.test',
        "mail smtpserver tls-ca-file $ca->{ca}", $tls{$port},
        'mail smtpserver port ' . ($more{$port} // $mx->port($port)));
    $s->set("mail smtpserver authentication $method username fred password uniquePassword")
        if $method;
    return $s;
}

# Waits for a mail that has it; others may come late.
sub arrives { my ($what) = @_; return until_true(sub { (grep { $_ =~ $what } $mx->mails)[0] }, 10) }

my @combinations = ((map { my $p = $_; map { [$p, $_] } qw(plain login crammd5) }
    qw(clear starttls smtps), $mx->cyrus ? qw(cyrus cyrus_starttls cyrus_smtps) : ()), ['open', undef]);
my $tried = 0;

for my $combination (@combinations) {
    my ($port, $method) = @$combination;
    my $name = "S04 S13 S14 S16: $port, " . ($method // 'no authentication');
    $mx->clear;
    my $s = submit_to($port, $method);
    ($status, $out, $err) = $s->input("This is a message.\n", qw(mail to bob@example.test subject), $name);
    like($out, qr/\ASending \d{14}\.\d+\.\.\. ok\.\n\z/, "$name: ok") or diag $err;
    my ($mail) = $mx->wait_mail(1, 10);
    like($mail // '', qr/^Subject: \Q$name\E$/m, "$name: arrived");
    $tried += like(($s->run(qw(show counter mail)))[1], qr/^Mails Sent {11}\.\.\.\.\. 1$/m, "$name: S46 counted");
}
is($tried, $mx->cyrus ? 19 : 10, 'S04: every login by every way');

subtest 'S16: how the mail came, says Postfix' => sub {
    $mx->clear;
    submit_to('starttls', 'plain')->input('x', qw(mail to bob@example.test));
    like(($mx->wait_mail(1, 10))[0], qr/with ESMTPSA id/, 'TLS and AUTH');
};

subtest 'S17: a certificate for another name' => sub {
    my $s = submit_to('wrongname', 'plain', '127.0.0.9');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test wait));
    is($status, 75, 'wait: stays in the queue');
    like($err, qr/^% the server's certificate is not accepted/, 'says why');
    unlike($mx->log, qr/sasl_method=.*client=.*127\.0\.0\.9/, 'nobody logged in');
    $s->set('mail smtpserver tls-no-verify');
    my ($id) = $s->ids;
    ($status, $out, $err) = $s->run('retry', $id);
    is($out, "Sending $id... ok.\n", 'tls-no-verify lets it through');
};

subtest 'S17: pin and unknown authority' => sub {
    my $s = submit_to('smtps', 'plain');
    $s->set('no mail smtpserver tls-ca-file');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test));
    like($err, qr/certificate is not accepted/, 'the system does not know the authority');
    $s->set("mail smtpserver tls-ca-file $ca->{ca}", 'mail smtpserver tls-pin sha256//' . 'A' x 43 . '=');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test));
    like($err, qr/key is not the pinned one/, 'another key');
    my $pin = `openssl x509 -in $ca->{server} -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | openssl base64`;
    chomp $pin;
    $s->set("mail smtpserver tls-pin sha256//$pin");
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test));
    like($out, qr/ ok\.$/, 'the right key');
};

subtest 'S17: a certificate of our own' => sub {
    $mx->clear;
    my $s = submit_to('certificate');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test subject certificate wait));
    is($status, 75, 'without it the mail waits');
    my ($id) = $s->ids;
    my $client = $s->dir . '/client';
    write_file("$client.ext", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n");
    for ("req -newkey rsa:2048 -nodes -subj /CN=fred -keyout $client.key -out $client.csr",
        "x509 -req -days 3 -in $client.csr -CA $ca->{ca} -CAkey $dir/ca.key -CAcreateserial -extfile $client.ext -out $client.crt") {
        system("openssl $_ 2>/dev/null") == 0 or die "openssl $_\n";
    }
    $s->set('mail smtpserver tls-certificate ' . $s->file('client.pem', read_file("$client.crt") . read_file("$client.key")));
    is(($s->run('retry', $id))[1], "Sending $id... ok.\n", 'with it the mail is taken, without a login');
    ok(arrives(qr/^Subject: certificate$/m), 'arrived');
};

subtest 'S13: no STARTTLS, no mail' => sub {
    my $s = submit_to('clear', 'plain');
    $s->set('mail smtpserver tls starttls');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test));
    like($err, qr/^% the server offers no STARTTLS/, 'says why');
    like($out, qr/ queued\.$/, 'stays in the queue');
};

subtest 'a wrong password' => sub {
    my $s = submit_to('starttls', 'plain');
    $s->set('mail smtpserver authentication plain username fred password wrong');
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test wait));
    is($status, 77, 'exit status');
    like($err, qr/^% the login was refused \(535/, 'says why');
    is(scalar($s->ids), 1, 'stays in the queue');
    unlike($out . $err, qr/wrong/, 'no password is printed');
};

subtest 'each recipient has a result of its own' => sub {
    $mx->clear;
    my $s = submit_to('open');
    ($status, $out, $err) = $s->input("x\n", qw(mail to),
        'a@example.test,nobody@example.test,b@example.test,later@example.test');
    like($out, qr/ queued\.$/, 'one has to wait');
    is(scalar($mx->wait_mail(2, 10)), 2, 'two have it');
    my $json = ($s->run(qw(show mail json)))[1];
    like($json, qr/"nobody\@example\.test", "result": "failed", "text": "550 5\.1\.1 .*?No such user"/, 'one is refused');
    like($json, qr/"later\@example\.test", "result": "later", "text": "450 4\.2\.1/, 'one has to wait');
    $s->run('flush');
    is(scalar($mx->mails), 2, 'nobody gets it twice');
};

subtest 'a refused mail' => sub {
    my $s = submit_to('open');
    ($status, $out, $err) = $s->input("x\n", qw(mail to nobody@example.test));
    is($status, 69, 'exit status');
    like($out, qr/ failed: 550 5\.1\.1/, 'S24: failed, with the server\'s words');
    like(($s->run(qw(show counter mail)))[1], qr/Fails {5}\.\.\.\.\. 1$/m, 'S46: counted once');
    is(scalar($s->ids('failed')), 1, 'in failed');
    like(($s->run(qw(show mail)))[1], qr/^Status +: failed: 550/m, 'is shown');
};

subtest 'delivery reports, asked for as sendmail does' => sub {
    $mx->clear;
    my $s = submit_to('open');
    symlink $s->program, $s->dir . '/sendmail';
    ($status, $out, $err) = $s->spawn("Subject: report\n\nx\n", $s->dir . '/sendmail', '-C', $s->conf,
        '-i', '-odi', '-N', 'success,failure', '-R', 'hdrs', '-V', 'QQ 314', 'bob@example.test');
    is("$status$err", '0', 'taken');
    my $report = arrives(qr/^Original-Envelope-Id:/m);
    like($report // '', qr/^Original-Envelope-Id: QQ 314$/m, '-V comes back');
    like($report // '', qr/^Original-Recipient: rfc822;\s*bob\@example\.test$/m, 'the recipient as we wrote it');
    like($report // '', qr/^Action: (?:delivered|relayed)$/m, '-N: success is told');
    like($report // '', qr/^Content-Type: text\/rfc822-headers/m, '-R: the header alone');
};

subtest 'larger than the server takes' => sub {
    my $s = submit_to('open');
    ($status, $out, $err) = $s->input("x" x 70 . "\n", qw(mail to bob@example.test file),
        $s->file('large', join '', map { 'y' x 79 . "\n" } 1 .. 70000));
    is($status, 69, 'refused for good');
    like($out, qr/failed: 552 5\.3\.4 the message has \d+ bytes, the server takes 5242880/, 'names both');
};

my @bodies = (
    ['line ends', "a\nb\r\nc\rd", "a\nb\nc\nd\n"],
    ['dots',      ".\n..\n.x\n.\r\n", ".\n..\n.x\n.\n"],
    ['UTF-8',     "caf\xc3\xa9 is fine \n", "caf\xc3\xa9 is fine \n"],
    ['From',      "From here\nx\xc3\xa9\nFrom there\n", "From here\nx\xc3\xa9\nFrom there\n"],
    ['long line', 'x' x 5000 . "\n", 'x' x 5000 . "\n"],
    ['NUL',       "a\0b\n", "a\0b\n"],
    ['Latin-1',   "caf\xe9\n", "caf\xe9\n"],
    ['empty',     '', ''],
);

for my $body (@bodies) {
    my ($name, $in, $expected) = @$body;
    $mx->clear;
    my $s = submit_to('open');
    $s->input($in, qw(mail to bob@example.test));
    my ($mail) = $mx->wait_mail(1, 10);
    my ($head, $text) = ($mail // '') =~ /\A(.*?\n)(?:\n(.*))?\z/s;
    $text //= '';
    if ($head =~ /Encoding: quoted-printable/) {
        $text =~ s/=\n//g;
        $text =~ s/=([0-9A-F]{2})/chr hex $1/ge;
    }
    if ($head =~ /Encoding: base64/) {
        require MIME::Base64;
        $text = MIME::Base64::decode_base64($text);
        $text =~ s/\r\n/\n/g;
    }
    is($text, $expected, "body: $name");
}

subtest 'subjects arrive' => sub {
    require Encode;
    for my $subject ("Gr\xc3\xbc\xc3\x9fe " . "\xd0\x9f\xd1\x80\xd0\xb8" x 40, '=?x', ' leading', 'a' x 300, '%') {
        $mx->clear;
        submit_to('open')->input('', qw(mail to bob@example.test subject), $subject);
        my ($line) = (($mx->wait_mail(1, 10))[0] // '') =~ /^Subject: (.*?)\n(?! )/ms;
        $line =~ s/\n / /g;
        is(Encode::encode('UTF-8', Encode::decode('MIME-Header', $line)), $subject, substr $subject, 0, 20);
    }
};

subtest '200 mails: one connection and one login a hundred' => sub {
    $mx->clear;
    my $s = submit_to('starttls', 'plain');
    $s->run('mail', 'to', 'bob@example.test', 'subject', $_, 'queue-only') for 1 .. 200;
    my $before = () = $mx->log =~ /sasl_method=PLAIN/g;
    my $logins = () = $mx->log =~ /connect from unknown/g;
    ($status, $out, $err) = $s->run('flush');
    is($out, "200 sent, 0 waiting, 0 failed\n", 'flush');
    $logins = (() = $mx->log =~ /: connect from unknown/g) - $logins;
    cmp_ok($logins, '<=', 3, "$logins connections");
    is(scalar($mx->wait_mail(200, 60)), 200, 'each arrived');
};

subtest 'Postfix is down, then up' => sub {
    my $s = submit_to('open');
    $mx->stop_postfix;
    ($status, $out, $err) = $s->input('x', qw(mail to bob@example.test subject later));
    like($out, qr/ queued\.$/, 'queued');
    $mx->start_postfix;
    $mx->clear;
    is(($s->run('flush'))[1], "1 sent, 0 waiting, 0 failed\n", 'flush');
    is(scalar($mx->wait_mail(1, 10)), 1, 'arrived');
};

$mx->stop;
done_testing();
