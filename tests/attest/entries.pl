#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Print the entries of a binary measurement list, and fail if they do not come to PCR 10.
#
# usage: tests/attest/entries.pl LIST PCRS
#
# A line an entry: ALGORITHM:DIGEST NAME, or "violation NAME", with ? for bytes of a name that
# are not printable. LIST is as Documentation/security/IMA-templates.rst of the kernel has it,
# in the byte order of this machine; PCRS are those of the SHA-256 bank, as evmctl reads them.
# Only what goes into the PCR is taken from an entry: not the name of its template, nor the
# data of a violation, which anybody can change who carries the list.
use strict;
use warnings;
use Digest::SHA qw(sha256);

my ($list, $pcrs) = @ARGV;
my $pcr = "\0" x 32;
my $data = do { local (@ARGV, $/) = ($list); <> };
my ($want) = map { /^PCR-10:([ 0-9A-F]+)$/i ? $1 : () } do { local @ARGV = ($pcrs); <> };
$want =~ s/ //g;

# The next LENGTH bytes, or the next string that has its length before it.
sub take {
	my ($from, $length) = @_;
	die "the list ends within an entry\n" if length($$from) < $length;
	return substr($$from, 0, $length, '');
}

sub take_string {
	my ($from) = @_;
	return take($from, unpack('L', take($from, 4)));
}

while (length $data) {
	my ($index, $digest) = (unpack('L', take(\$data, 4)), take(\$data, 20));
	take_string(\$data); # the template's name
	my $template = take_string(\$data);
	die "an entry is of PCR $index\n" if $index != 10;
	my $violation = $digest eq "\0" x 20;
	$pcr = sha256($pcr . ($violation ? "\xff" x 32 : sha256($template)));

	# of all templates that are of files: the digest, then the name
	my ($algorithm, $sum) = take_string(\$template) =~ /^([a-z0-9-]+):\0(.*)$/s
		or die "an entry is of an unknown template\n";
	my $name = take_string(\$template);
	$name =~ s/\0$//;
	$name =~ s/[^ -~]/?/g;
	print $violation ? 'violation' : "$algorithm:" . unpack('H*', $sum), " $name\n";
}
die "the entries do not come to PCR 10\n" if unpack('H*', $pcr) ne lc $want;
