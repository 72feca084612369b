# SPDX-License-Identifier: GPL-2.0-only
# Read results.csv, which is VARIANT,HASH,RUN and what the guest of that run reported;
# write a table each, as CSV, to the directory "out", and what is promised of them to
# bars.csv there. Exit status 0: all of that holds.
#
# Costs are in ticks: a tick is an instruction that the guest executed.
BEGIN {
	FS = OFS = ","
	LEAST_MORE = 8      # instructions for a call of a hook, where the option is not used
	LEAST_RATIO = 1.002
}

function ratio(a, b) {
	return b ? sprintf("%#.5g", a / b) : "-"
}

# order of first appearance
function remember(list, key) {
	if (!((list, key) in known)) {
		known[list, key]
		lists[list, ++n[list]] = key
	}
}

function max(a, b) {
	return a > b ? a : b
}

# bar NAME LIMIT WORST: of all rows of its kind. What was not measured does not hold.
function bar(name, limit, worst, where,    holds) {
	holds = worst ~ /^-?[0-9]/ && worst + 0 <= limit + 0
	print name, limit, worst, where, holds ? "holds" : "does not hold" > (out "/bars.csv")
	failed += !holds
}

$4 == "unflagged" {
	remember("unflagged", $5 OFS $6 OFS $7)
	unflagged[$1, $5 OFS $6 OFS $7] = $8
}
$4 == "hooks" { hooks[$5] = $6 }
$4 == "flagged" {
	if ($5 != "all")
		remember("flagged", $2 OFS $3 OFS $5 OFS $6)
	remember("hashes", $2)
	flagged[$2, $3, $5, $6, $7] = $8
}
$4 == "hash" {
	remember("hash", $5)
	hash[$2, $5] = $6
}
$4 == "evaluations" {
	remember("evaluations", $3 OFS $5 OFS $6)
	evaluations[$3 OFS $5 OFS $6] = $7 OFS $8 OFS $9
}
$4 == "verity" {
	remember("verity", $5)
	verity[$5] = $6 OFS $9
}
$4 == "tasks" {
	remember("tasks", $5)
	tasks[$1, $5] = $6
	task_ticks[$1, $5] = $7
}
$4 == "bind" {
	remember("bind", $5 OFS $6 OFS $7)
	bind[$3, $5 OFS $6 OFS $7] = $8
}
$4 == "mounting" {
	remember("mounting", $5 OFS $6)
	calls[$5, $6] = $7
	mount_ticks[$5, $6] = $8
}
$4 == "list" {
	remember("list", $3 OFS $5)
	grown[$3 OFS $5] = $6 OFS $7 OFS $8 OFS $9 OFS $10
}

function print_unflagged(    i, key, f, a, b, more, worst, worst_at, most, most_at, file, missing) {
	file = out "/unflagged.csv"
	print "filesystem", "policy", "operation", "unpatched", "patched", "more", "more a hook", "ratio" > file
	for (i = 1; i <= n["unflagged"]; i++) {
		key = lists["unflagged", i]
		split(key, f, OFS)
		a = unflagged["unpatched", key]
		b = unflagged["patched", key]
		more = hooks[f[3]] ? (b - a) / hooks[f[3]] : "-"
		print key, a, b, b - a, sprintf("%.1f", more), ratio(b, a) > file
		if (!a || !b) {
			missing = 1
			worst_at = most_at = f[1] " " f[2] " " f[3]
			continue
		}
		if (worst == "" || b / a > worst) {
			worst = ratio(b, a)
			worst_at = f[1] " " f[2] " " f[3]
		}
		# Of a whole program so few cannot be told: where it lies in memory makes more.
		if (f[3] != "program" && (most == "" || more > most)) {
			most = more
			most_at = f[1] " " f[2] " " f[3]
		}
	}
	if (missing)
		worst = most = "missing"
	bar("without the option: instructions more a hook", LEAST_MORE, most, most_at)
	bar("without the option: cost by that without the series", LEAST_RATIO, worst, worst_at)
}

function print_flagged(    i, key, f, bound, access, worst, where, size, kind, file, hash_name, plain, read) {
	file = out "/flagged.csv"
	print "hash", "mounted", "filesystem", "size", "open", "open and read", "hash", "access", "a byte", "access/(read+hash)" > file
	for (i = 1; i <= n["flagged"]; i++) {
		key = lists["flagged", i]
		split(key, f, OFS)
		size = f[4]
		plain = flagged[f[1], f[2], f[3], size, "plain"]
		# with IMA off: on FUSE there is no reading without opening
		read = flagged[f[1], f[2], f[3], size, "read"]
		bound = read + flagged[f[1], f[2], "all", size, "hash"]
		access = flagged[f[1], f[2], f[3], size, "access"]
		print key, plain, read, bound - read, access, size ? sprintf("%.2f", access / size) : "-", ratio(access, bound) > file
		kind = size >= 65536 ? "large" : size == 4096 ? "small" : ""
		if (f[2] == "nocache" && kind != "" && access / bound > worst[f[1], kind]) {
			worst[f[1], kind] = ratio(access, bound)
			where[f[1], kind] = f[3] " " size
		}
	}
	for (i = 1; i <= n["hashes"]; i++) {
		hash_name = lists["hashes", i]
		bar("with it (" hash_name " hash): access by reading and hashing from 64 KiB", 1.05,
			worst[hash_name, "large"], where[hash_name, "large"])
		bar("with it (" hash_name " hash): access by reading and hashing 4 KiB", 1.25,
			worst[hash_name, "small"], where[hash_name, "small"])
	}
}

function print_hash(    i, key, file) {
	file = out "/hash.csv"
	print "algorithm", "generic", "vector", "ratio" > file
	for (i = 1; i <= n["hash"]; i++) {
		key = lists["hash", i]
		print key, sprintf("%.2f", hash["generic", key] / 1048576), sprintf("%.2f", hash["vector", key] / 1048576), ratio(hash["vector", key], hash["generic", key]) > file
	}
}

function print_evaluations(    i, key, f, worst, where, file, fewer) {
	file = out "/evaluations.csv"
	print "mounted", "filesystem", "operation", "hook calls", "matches", "evaluations" > file
	for (i = 1; i <= n["evaluations"]; i++) {
		key = lists["evaluations", i]
		print key, evaluations[key] > file
		split(key OFS evaluations[key], f, OFS)
		if (f[1] == "nocache" && (worst == "" || f[6] / f[5] > worst)) {
			worst = ratio(f[6], f[5])
			where = f[2] " " f[3]
		}
		# and never fewer
		if (f[1] == "nocache" && f[6] < f[5])
			fewer = 1
	}
	if (fewer)
		worst = "fewer"
	bar("evaluations by calls that the policy matched", 1, worst, where)
}

function print_verity(    i, key, f, file, full) {
	file = out "/verity.csv"
	print "size", "by fs-verity", "evaluations", "by hashing", "ratio" > file
	for (i = 1; i <= n["verity"]; i++) {
		key = lists["verity", i]
		split(verity[key], f, OFS)
		full = flagged["vector", "nocache", "ext4", key, "access"]
		print key, verity[key], full, ratio(f[1], full) > file
	}
}

function print_tasks(    i, key, file, worst, where) {
	file = out "/tasks.csv"
	print "tasks", "evaluations", "ticks", "evaluations unshared", "ticks unshared", "ratio" > file
	for (i = 1; i <= n["tasks"]; i++) {
		key = lists["tasks", i]
		print key, tasks["patched", key], task_ticks["patched", key], tasks["unshared", key],
			task_ticks["unshared", key], ratio(task_ticks["patched", key], task_ticks["unshared", key]) > file
		if (tasks["patched", key] > worst) {
			worst = tasks["patched", key]
			where = key " tasks"
		}
	}
	bar("evaluations by tasks at once", 3, worst, where)
}

function print_bind(    i, key, f, file, r, most) {
	if (!n["bind"])
		return
	file = out "/bind.csv"
	most["program", "first"] = 0.6
	most["program", "in use"] = 0.25
	most["read", "first"] = 1.15
	print "filesystem", "operation", "", "ima_nocache", "ima_nocache=bind", "ratio" > file
	for (i = 1; i <= n["bind"]; i++) {
		key = lists["bind", i]
		split(key, f, OFS)
		r = ratio(bind["bind", key], bind["nocache", key])
		print key, bind["nocache", key], bind["bind", key], r > file
		if ((f[2], f[3]) in most)
			bar("bind by plain: " f[2] ", " f[3], most[f[2], f[3]], r, f[1])
	}
}

function print_mounting(    i, key, f, file) {
	file = out "/mounting.csv"
	print "filesystem", "way", "system calls", "ticks", "calls by mount(8)", "ticks by mount(8)" > file
	for (i = 1; i <= n["mounting"]; i++) {
		key = lists["mounting", i]
		split(key, f, OFS)
		print key, calls[f[1], f[2]], mount_ticks[f[1], f[2]],
			ratio(calls[f[1], f[2]], calls[f[1], "mount"]),
			ratio(mount_ticks[f[1], f[2]], mount_ticks[f[1], "mount"]) > file
	}
	bar("mounting tmpfs: instructions of the helper by those of mount(8)", 1,
		ratio(mount_ticks["tmpfs", "helper"], mount_ticks["tmpfs", "mount"]), "tmpfs")
	bar("mounting FUSE: instructions of the helper by those of mount(8)", 1.1,
		ratio(mount_ticks["fuse", "helper"], mount_ticks["fuse", "mount"]), "FUSE")
	bar("mounting FUSE: system calls of the helper by those of mount(8)", 1.5,
		ratio(calls["fuse", "helper"], calls["fuse", "mount"]), "FUSE")
}

# Each access to something new is an entry with the option, and none to what is listed.
function print_list(    i, key, f, file, worst, where, fewer) {
	file = out "/list.csv"
	print "mounted", "accesses to", "accesses", "entries", "bytes an entry", "memory an entry", "ticks an access" > file
	for (i = 1; i <= n["list"]; i++) {
		key = lists["list", i]
		split(key OFS grown[key], f, OFS)
		print key, f[3], f[4], f[4] ? sprintf("%.0f", f[5] / f[4]) : "-",
			f[4] ? sprintf("%.0f", f[6] / f[4]) : "-", f[7] > file
		if (f[1] != "ima_nocache" || f[2] == "same")
			continue
		if (where == "" || f[4] / f[3] > worst) {
			worst = f[4] / f[3]
			where = f[2]
		}
		# and never fewer
		if (f[4] < f[3])
			fewer = 1
	}
	bar("list: entries by accesses to something new", 1,
		fewer ? "fewer" : where == "" ? "missing" : worst, where)
	split(grown["ima_nocache" OFS "same"], f, OFS)
	bar("list: entries of what is listed already", 0,
		f[1] ? f[2] : "missing", f[1] " accesses")
	# pages that others have taken meanwhile
	bar("list: bytes of memory an access to what is listed already", 1,
		f[1] ? f[4] / f[1] : "missing", f[1] " accesses")
}

END {
	print "promised", "at most", "worst", "where", "" > (out "/bars.csv")
	print_unflagged()
	print_flagged()
	print_hash()
	print_evaluations()
	print_verity()
	print_tasks()
	print_bind()
	print_mounting()
	print_list()
	exit failed != 0
}
