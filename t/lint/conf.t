#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# What a2enmod needs: NAME.load with the module and what it depends on, and
# NAME.conf.

use strict;
use warnings;
use Test::More;
use lib 't/lib';
use T::Tree qw(text modules files);

for my $module (modules()) {
    my $load = text("conf/$module.load") // '';
    like($load, qr{^LoadModule \Q$module\E_module /usr/lib/apache2/modules/mod_\Q$module\E\.so\n}m,
        "$module.load loads the module");
    like($load, qr/^# Depends: \w+(?: \w+)*$/m, "$module.load names what it depends on");
    my @depends = map { split ' ' } $load =~ /^# Depends: (.*)$/mg;
    my @unknown = grep { !-e "conf/$_.load" && !-e "/etc/apache2/mods-available/$_.load" } @depends;
    is("@unknown", '', "$module.load depends on modules that exist");
    my @directives = grep { !/^\s*(?:#|$)/ } split /\n/, $load;
    is(scalar(@directives), 1, "$module.load holds one directive");
    ok(length(text("conf/$module.conf") // ''), "$module.conf is there");
}
for my $file (files(qr{^conf/.*\.(?:load|conf)$})) {
    my ($module) = $file =~ m{([^/]+)\.\w+$};
    ok((grep { $_ eq $module } modules()), "$file belongs to a module");
}

done_testing();
