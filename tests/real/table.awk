#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0-only
# The table of doc/fuse-programs.md: table.awk REPORT VERSIONS
#
# REPORT is that of fuse_programs.guest, VERSIONS the packages of its disk.
BEGIN {
	package["rclonefs"] = "rclone"
	package["unionfs"] = "unionfs-fuse"
	print "| Program | Version | libfuse | root | user namespace |"
	print "| --- | --- | --- | --- | --- |"
}
FILENAME == ARGV[2] { version[$1] = $2; next }
/^# program / {
	name = $3
	order[++count] = name
	lib[name] = $4 == "" ? "its own" : $4
	sub(/\.so\.[0-9.]*$/, "", lib[name])
	if (lib[name] == "libfuse")
		lib[name] = "libfuse2"
}
/^# row / {
	for (i = 3; i <= NF; i++) {
		split($i, a, "=")
		v[a[1]] = a[2]
	}
	way = v["way"]
	line = $0
}
/^(not )?ok / && line != "" {
	good = $1 == "ok"
	if (way == "plain")
		control[v["name"]] = good
	else {
		total[v["name"], v["who"]]++
		if (good && v["state"] == "mounted")
			noticed[v["name"], v["who"]]++
		else if (v["state"] != "mounted")
			why[v["name"], v["who"]] = v["state"]
	}
	line = ""
}
function outcome(name, who) {
	if (total[name, who] != 4)
		return "incomplete"
	if (noticed[name, who] == total[name, who])
		return "measured anew"
	if (!noticed[name, who] && why[name, who] != "")
		return why[name, who]
	return "FAILED"
}
END {
	for (i = 1; i <= count; i++) {
		name = order[i]
		p = name in package ? package[name] : name
		printf "| %s | %s | %s | %s | %s |\n", name, version[p], lib[name],
			outcome(name, "root"), outcome(name, "userns")
	}
}
