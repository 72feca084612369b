#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Change a binary measurement list in place, as who carries it to a verifier could.
#
# usage: tests/attest/forge.pl pcr|template|violation LIST
#
# "pcr" has all entries be of another PCR. "template" gives the last entry a template whose
# name reads like an entry with a good digest. "violation" gives each violation the digest of
# the first file in the list, and another name. Fails if there was nothing to change.
use strict;
use warnings;

my ($kind, $list) = @ARGV;
my $data = do { local (@ARGV, $/) = ($list); <> };
my (@entries, $good);
while (length $data) {
	my ($index, $digest, $name, $template) = unpack('L a20 L/a L/a', $data);
	substr($data, 0, 4 + 20 + 4 + length($name) + 4 + length($template), '');
	push @entries, [$index, $digest, $name, $template];
}
($good) = unpack('L/a', $entries[1][3]);
my $changed = 0;
if ($kind eq 'pcr') {
	$changed = map { $_->[0] = 16 } @entries;
} elsif ($kind eq 'template') {
	my ($digest) = $good =~ /^sha256:\0(.*)$/s;
	$entries[-1][2] = 'ima-ng sha256:' . unpack('H*', $digest) . " /good\n";
	$changed = 1;
} else {
	for (grep { $_->[1] eq "\0" x 20 } @entries) {
		$_->[3] = pack('L/a L/a', $good, "/good\0");
		$changed++;
	}
}
die "$list: nothing to change\n" if !$changed;
open(my $out, '>', $list) or die "$list: $!\n";
binmode $out;
print $out map { pack('L a20 L/a L/a', @$_) } @entries;
close $out or die "$list: $!\n";
