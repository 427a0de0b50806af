# SPDX-License-Identifier: Apache-2.0
package Demo::Steps;

# The steps of the demo.  Each shows a request and the answer's essential
# lines, and dies with a sentence when the answer is not what it must be.

use strict;
use warnings;
use POSIX qw(strftime);
use T::Dir qw(top build read_file write_file);
use Demo::Data;
use Demo::Request;
use Demo::Show;

my @steps = (
    ['A wrong password opens nothing',                          \&login],
    ['Autodiscover: Outlook asks where a mailbox is',           \&autodiscover],
    ['Autodiscover, asked by anybody: phones, and Thunderbird, which then logs in',
        \&anybody],
    ['The tunnel: Samba\'s own client calls the domain controller over HTTPS',
        \&tunnel_samba, 'samba'],
    ['The tunnel again, by impacket',                           \&tunnel_impacket, 'samba'],
    ['The tunnel once more, logged in by NTLM',                 \&tunnel_ntlm, 'samba'],
    ['Free/busy: the scheduling assistant asks when bob is free', \&freebusy],
    ['Out of office: on, asked, as a Sieve script, off',        \&out_of_office],
    ['smtp-submit: a mail goes out over STARTTLS and AUTH',     \&submit],
);

# Runs every step that this world can; 1 when all held.
sub run {
    my ($world) = @_;
    my $failures = 0;
    for (@steps) {
        my ($name, $function, $needs) = @$_;
        step($name);
        if ($needs && !$world->dc) {
            note('left out: it needs a domain controller (DEMO_SAMBA=no)');
            next;
        }
        my $what = eval { $function->($world) };
        if (defined $what) { held($what); next }
        die $@ if $@ eq "stopped by a signal\n";
        failed($@);
        $failures++;
    }
    print "\n", $failures ? "$failures of " . @steps . " steps FAILED\n"
        : "Every step held.\n";
    show_log($world) if $failures;
    return !$failures;
}

# The end of what httpd complained about.
sub show_log {
    my ($world) = @_;
    my @lines = grep { /\[[\w-]*:?(?:warn|error|crit|alert|emerg)\]/ } split /\n/, $world->httpd_log;
    splice @lines, 0, -10;
    note('from ' . $world->run . '/httpd/error.log:', @lines);
}

# The prototype makes a match a single value, also when it fails.
sub must ($$) {
    my ($true, $sentence) = @_;
    die "$sentence\n" unless $true;
}

# The answer of $path to $body for user $n, shown; must be XML with status 200.
sub post {
    my ($world, $n, $path, $body, @show) = @_;
    my $user = $world->user($n);
    ask("POST " . $world->url($path) . "   as $user->{mail}", map { "  $_" } xml_lines($body, @{ $show[0] }));
    my $answer = $world->curl($n)->post($path, $body);
    answer("$answer->{status} $answer->{type} $answer->{error}",
        map { "  $_" } xml_lines($answer->{body}, @{ $show[1] }));
    must($answer->{status} == 200, "The status is $answer->{status}, not 200.");
    return $answer->{body};
}

# The text of the first element $name of an XML document.
sub element {
    my ($xml, $name) = @_;
    return $xml =~ m{<(?:\w+:)?\Q$name\E(?:\s[^>]*)?>([^<]*)<} ? $1 : '';
}

sub login {
    my ($world) = @_;
    my $path = '/autodiscover/autodiscover.xml';
    my $user = $world->user(1);
    for my $secret ('wrong', '') {
        ask("POST " . $world->url($path) . "   as $user->{mail}, password '$secret'");
        my $answer = $world->curl(1)->post($path, Demo::Request::autodiscover($user->{mail}),
            user => "$user->{mail}:$secret");
        answer("$answer->{status}", "  WWW-Authenticate: "
            . ($answer->{headers}{'www-authenticate'} // '(none)'));
        must($answer->{status} == 401, "The status is $answer->{status}, not 401.");
    }
    return 'refused with 401';
}

sub autodiscover {
    my ($world) = @_;
    my $user = $world->user(1);
    my $xml  = post($world, 1, '/autodiscover/autodiscover.xml',
        Demo::Request::autodiscover($user->{mail}), ['EMailAddress'],
        [qw(DisplayName LegacyDN AutoDiscoverSMTPAddress Protocol Type Server
            AuthPackage SSL ASUrl EwsUrl OOFUrl)]);
    my $ews = element($xml, 'EwsUrl');
    must($ews eq $world->url('/EWS/Exchange.asmx'), "EwsUrl is '$ews', where nobody listens.");
    must(element($xml, 'AutoDiscoverSMTPAddress') eq $user->{mail},
        'The answer is about another mailbox.');
    must($xml =~ m{<Type>EXCH</Type>} && $xml =~ m{<Type>EXPR</Type>},
        'EXCH or EXPR is missing.');
    return "$user->{mail} has its URLs";
}

# JSON by the address alone; autoconfig, and IMAP at the server that it names.
sub anybody {
    my ($world) = @_;
    my $user = $world->user(1);
    my $json = get($world, "/autodiscover/autodiscover.json?Email=$user->{mail}&Protocol=Ews");
    answer($json);
    my $url = $world->url('/EWS/Exchange.asmx');
    must($json =~ /"Url":"\Q$url\E"/, "The URL is not $url.");

    my $xml = get($world, "/mail/config-v1.1.xml?emailaddress=$user->{mail}");
    answer(map { "  $_" } xml_lines($xml, qw(displayName incomingServer outgoingServer hostname port
        socketType username)));
    my ($in) = $xml =~ m{<incomingServer type="imap">(.*?)</incomingServer>}s;
    must($in, 'There is no IMAP server.');
    return imap($world, $user, map { element($in, $_) } qw(hostname port username));
}

# What anybody gets at $path.
sub get {
    my ($world, $path) = @_;
    ask('GET ' . $world->url($path));
    my $answer = $world->curl(1)->get($path, user => undef);
    must($answer->{status} == 200, "The status is $answer->{status}, not 200.");
    return $answer->{body};
}

# curl as mail client, at a server that only the demo's names lead to.
sub imap {
    my ($world, $user, $host, $port, $name) = @_;
    my $url = "imaps://$host:$port/";
    ask("LIST  $url  as $name");
    answer(command("user = \"$name:$user->{password}\"\n", 'curl', qw(-sS -K - --noproxy * --cacert),
        $world->ca->{ca}, '--resolve', "$host:$port:127.0.0.1", $url));
    return "$user->{name} reads mail at $host:$port";
}

sub tunnel_samba {
    my ($world) = @_;
    return tunnel($world, 'rpc_samba.py', $world->ca->{ca});
}

sub tunnel_impacket {
    my ($world) = @_;
    return tunnel($world, 'rpc_impacket.py');
}

sub tunnel_ntlm {
    my ($world) = @_;
    return tunnel($world, 'rpc_samba.py', $world->ca->{ca}, 'ntlm');
}

# Runs one of the RPC clients; both print the same three lines.
sub tunnel {
    my ($world, $program, @more) = @_;
    my $user = $world->user(1);
    my ($server, $port) = ($world->host, $world->dc->samr_port);
    ask("RPC_IN_DATA, RPC_OUT_DATA " . $world->url("/rpc/rpcproxy.dll?$server:593")
        . '   epmapper', "RPC_IN_DATA, RPC_OUT_DATA "
        . $world->url("/rpc/rpcproxy.dll?$server:$port") . '   samr, sealed');
    my $out = command("$user->{password}\n", '/usr/bin/python3',
        top() . "/demo/$program", '127.0.0.1:' . $world->port, $server, $port,
        $world->dc->netbios, $user->{name}, @more);
    answer($out);
    must($out =~ /^epmapper: [1-9]\d* endpoints$/m, 'The endpoint mapper did not answer.');
    must($out =~ /^samr users: .*\balice bob\b/m, 'samr did not list the users.');
    return 'Samba answered through httpd';
}

sub freebusy {
    my ($world) = @_;
    my ($asker, $asked) = ($world->user(1), $world->user(2));
    my ($day, $next) = Demo::Data::working_day();
    my $xml = post($world, 1, '/EWS/Exchange.asmx',
        Demo::Request::availability("${day}T00:00:00", "${next}T00:00:00", $asked->{mail}),
        [qw(Address StartTime EndTime RequestedView)],
        [qw(ResponseCode FreeBusyViewType MergedFreeBusy)]);
    my $merged = element($xml, 'MergedFreeBusy');
    note(day_line($merged));
    my $expected = Demo::Data::merged_day();
    must($merged eq $expected, "$asked->{mail} is busy otherwise: $expected.");
    return "$asked->{name}'s calendar on $day";
}

# A merged string of half hours as words: "09:00-09:30 busy, ...".
sub day_line {
    my ($merged) = @_;
    my @names = qw(free tentative busy out-of-office elsewhere);
    my @spans;
    while ($merged =~ /(([1-4])\2*)/g) {
        my ($end, $start) = (pos $merged, pos($merged) - length $1);
        push @spans, sprintf '%02d:%02d-%02d:%02d %s',
            (map { (int $_ / 2, $_ % 2 * 30) } $start, $end), $names[$2];
    }
    return join ', ', @spans ? @spans : 'free all day';
}

sub out_of_office {
    my ($world) = @_;
    my $mail = $world->user(1)->{mail};
    my ($start, $end) = map { strftime('%Y-%m-%dT00:00:00Z', gmtime(time + 86400 * $_)) } 1, 5;
    my $text = 'Away until Friday &amp; not reading "mail"';
    my @set  = (['OofState', 'StartTime', 'EndTime'], ['ResponseCode']);
    my @get  = (['GetUserOofSettingsRequest'], [qw(ResponseCode OofState StartTime
            EndTime InternalReply ExternalReply Message)]);
    my $path = '/EWS/Exchange.asmx';

    post($world, 1, $path, Demo::Request::set_oof($mail, 'Scheduled', $start, $end, $text), @set);
    my $xml = post($world, 1, $path, Demo::Request::get_oof($mail), @get);
    must(element($xml, 'OofState') eq 'Scheduled', 'It is not on.');
    must(element($xml, 'StartTime') eq $start && element($xml, 'EndTime') eq $end,
        'The times are others.');
    must($xml =~ /not reading/, 'The text is lost.');
    compile_sieve($world);

    post($world, 1, $path, Demo::Request::set_oof($mail, 'Disabled', $start, $end, $text), @set);
    $xml = post($world, 1, $path, Demo::Request::get_oof($mail), @get);
    must(element($xml, 'OofState') eq 'Disabled', 'It is still on.');
    return "what was set came back, and sievec takes the script";
}

# Shows the script that the mail server would run; Dovecot's compiler judges.
sub compile_sieve {
    my ($world) = @_;
    my $file = Demo::Data::sieve_file($world, $world->user(1));
    my $text = read_file($file);
    must($text, "There is no script in $file.");
    my @lines = grep { !/^\s*#/ } split /\n/, $text;
    note("sievec $file", map { "  $_" } @lines > 14 ? (@lines[0 .. 13], '...') : @lines);
    command('', 'sievec', $file, $world->run . '/script.svbin');
}

# Queued, shown, sent, received.
sub submit {
    my ($world) = @_;
    my $to = $world->user(2)->{mail};
    write_file($world->run . '/submit/report.txt', "The nightly backup is done.\n.\nNothing is lost.\n");
    smtp_submit($world, qw(mail to), $to, 'subject', 'Backup of %N',
        qw(file report.txt queue-only));
    smtp_submit($world, qw(show mail));
    smtp_submit($world, 'flush');
    my ($mail) = $world->mx->wait_mail(1, 10);
    must($mail, 'Postfix received nothing.');
    note('Postfix received:');
    answer(grep { /^(?:Received|\s+by|From|To|Subject|Message-I[dD]|\S*$|[^:]*$)/ } split /\n/, $mail);
    must($mail =~ /^Subject: Backup of mail\.example\.test\s*$/m, 'The subject is another.');
    must($mail =~ /^\.\r?\nNothing is lost\./m, 'The text is another.');
    my $counters = smtp_submit($world, qw(show counter mail));
    must($counters =~ /^Mails Sent\s+\.+\s+1$/m, 'The counter of mails sent is not 1.');
    return "$to has the mail";
}

# One command of smtp-submit, shown with what it prints.
sub smtp_submit {
    my ($world, @words) = @_;
    ask(join ' ', 'smtp-submit', map { /\s/ ? "\"$_\"" : $_ } @words);
    my $out = command('', build() . '/bin/smtp-submit', '--config',
        $world->run . '/submit/smtp-submit.conf', @words);
    answer($out);
    return $out;
}

# Runs a command with $input; its output, or dies with that when it fails.
sub command {
    my ($input, @command) = @_;
    my $file = File::Temp->new;
    print $file $input;
    close $file;
    open my $pipe, '-|', 'sh', '-c', 'in=$1; shift; exec "$@" 2>&1 <"$in"', 'sh',
        "$file", @command or die "$command[0]: $!\n";
    my $out = do { local $/; <$pipe> } // '';
    close $pipe or die "$out$command[0] failed.\n";
    return $out;
}

1;
