# SPDX-License-Identifier: Apache-2.0
package Thunderbird;

# Thunderbird without a display, in a profile of its own, driven by Marionette:
# a test evaluates JavaScript inside it, where its own modules are.
#
#   my $why  = Thunderbird->missing;
#   my $bird = Thunderbird->new(ca => $ca->{ca})->start;
#   my $value = $bird->run('return 1 + arguments[0]', 41);   # awaited
#   $bird->forget;                         # names, and open connections
#   $bird->stop;
#
# A script that throws makes run() die with its message.

use strict;
use warnings;
use IO::Socket::IP;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use T::Dir qw(temp_dir write_file read_file);
use T::Process;
use T::Wait qw(until_port);

my $program = '/usr/lib/thunderbird/thunderbird';
my $port    = 2828;

# Nothing that it does by itself, and no question to anybody.
my %preferences = (
    'app.update.enabled'                         => \0,
    'browser.safebrowsing.malware.enabled'       => \0,
    'datareporting.healthreport.uploadEnabled'   => \0,
    'datareporting.policy.dataSubmissionEnabled' => \0,
    'extensions.update.enabled'                  => \0,
    'mail.chat.enabled'                          => \0,
    'mail.provider.suppress_dialog_on_startup'   => \1,
    'mail.shell.checkDefaultClient'              => \0,
    'mailnews.start_page.enabled'                => \0,
    'marionette.port'                            => $port,
    'network.captive-portal-service.enabled'     => \0,
    'network.connectivity-service.enabled'       => \0,
    'signon.rememberSignons'                     => \1,
    'toolkit.telemetry.enabled'                  => \0,
);

sub missing { -x $program ? undef : 'thunderbird is not installed (make interop)' }

sub new {
    my ($class, %self) = @_;
    return bless { %self, dir => temp_dir(), sent => 0 }, $class;
}

sub start {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    mkdir "$dir/$_" for qw(profile home);
    my $json = JSON::PP->new->allow_nonref;
    write_file("$dir/profile/user.js", join '', map {
        my $value = $preferences{$_};
        "user_pref(\"$_\", " . (ref $value ? ($$value ? 'true' : 'false') : $json->encode($value)) . ");\n"
    } sort keys %preferences);
    $self->{process} = T::Process->start([$program, qw(--headless --marionette --remote-allow-system-access
            --no-remote --profile), "$dir/profile"], "$dir/log", { HOME => "$dir/home", MOZ_CRASHREPORTER_DISABLE => 1 });
    until_port('127.0.0.1', $port, 60, $self->{process}->pid) or die "thunderbird did not start:\n" . $self->log;
    $self->{socket} = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port) or die "marionette: $@\n";
    $self->packet;    # its greeting
    $self->command('WebDriver:NewSession', {});
    $self->command('WebDriver:SetTimeouts', { script => 60_000 });
    $self->command('Marionette:SetContext', { value => 'chrome' });
    $self->trust if $self->{ca};
    return $self;
}

sub log { read_file("$_[0]{dir}/log") // '' }

# One packet: its length, a colon, JSON.
sub packet {
    my ($self) = @_;
    my ($length, $text) = ('', '');
    local $SIG{ALRM} = sub { die "thunderbird does not answer:\n" . $self->log };
    alarm 90;
    while (read $self->{socket}, my $byte, 1) {
        last if $byte eq ':';
        $length .= $byte;
    }
    read $self->{socket}, $text, $length || die "thunderbird went away:\n" . $self->log;
    alarm 0;
    return decode_json($text);
}

sub command {
    my ($self, $name, $parameters) = @_;
    my $text = encode_json([0, ++$self->{sent}, $name, $parameters]);
    print { $self->{socket} } length($text) . ":$text";
    $self->{socket}->flush;
    my (undef, undef, $error, $result) = @{ $self->packet };
    die "$error->{message}\n" if $error;
    return $result;
}

# The value of an asynchronous function body; @arguments are its arguments.
sub run {
    my ($self, $body, @arguments) = @_;
    my $answer = $self->command('WebDriver:ExecuteAsyncScript', { sandbox => 'system', args => \@arguments,
        script => <<"SCRIPT" });
const done = arguments[arguments.length - 1];
(async function () { $body }).apply(null, arguments).then(
    (value) => done({ value: value ?? null }), (error) => done({ error: String(error) }));
SCRIPT
    my $said = $answer->{value};
    die "$said->{error}\n" if exists $said->{error};
    return $said->{value};
}

# Makes it trust the authority, as by its certificate manager.
sub trust {
    my ($self) = @_;
    my ($base64) = read_file($self->{ca}) =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/s;
    $self->run(<<'SCRIPT', $base64 =~ s/\s+//gr);
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(arguments[0], "CT,C,");
SCRIPT
}

sub forget {
    my ($self) = @_;
    $self->run(<<'SCRIPT');
Cc["@mozilla.org/network/dns-service;1"].getService(Ci.nsIDNSService).clearCache(true);
Services.obs.notifyObservers(null, "net:cancel-all-connections");
SCRIPT
}

sub stop {
    my ($self) = @_;
    return $self->{process}->stop('TERM', 20);
}

1;
