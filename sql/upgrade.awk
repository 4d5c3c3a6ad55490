# upgrade.awk: writes an extension's update script from the script of the last
# release, the script of today, and what was written by hand for this step:
#
#     awk -f upgrade.awk -v step=upgrades/1.0--1.1.sql released.sql current.sql
#
# Functions that look as before are replaced in place: they keep their grants, and
# what depends on them, triggers and views of the database's owner among them.
# Functions that take or return something else are dropped and made anew; those
# that are gone are dropped. Views are replaced, and types that are new are made.
# By hand, and before all that, goes whatever else has changed: ALTER TYPE of a type
# that is here already, DROP VIEW of one whose columns are others, DROP TRIGGER before its
# function is gone. What is in neither these rules nor the step ends the build.
#
# No GRANT and no REVOKE touches what was there before: inside an update script PostgreSQL
# would take the owner's grants for the extension's, and leave them out of dumps.

BEGIN {
	TOKEN = "'|\"|;|--|[$][A-Za-z_]*[$]"
	while (step != "" && (getline line < step) > 0)
		by_hand = by_hand line "\n"
}

FNR == 1 {
	version++
	forget()
}

/^\\/ && quote == "" {
	next
}

{
	statement = statement $0 "\n"
	if (is_complete($0)) {
		note(statement)
		forget()
	}
}

function forget() {
	statement = ""
	quote = ""
}

# Is the statement over at the end of this line? What is open across lines is kept in `quote`.
function is_complete(line,    over, token) {
	while (line != "") {
		if (quote != "") {
			if (!index(line, quote))
				return 0
			line = substr(line, index(line, quote) + length(quote))
			quote = ""
			continue
		}
		if (!match(line, TOKEN))
			return over && line ~ /^[ \t]*$/
		token = substr(line, RSTART, RLENGTH)
		if (over && substr(line, 1, RSTART - 1) ~ /[^ \t]/)
			over = 0
		line = substr(line, RSTART + RLENGTH)
		if (token == "--")
			return over
		over = token == ";"
		if (!over)
			quote = token
	}
	return over
}

# Without the comments in front.
function bare(text) {
	while (match(text, /^([ \t]*\n|--[^\n]*\n)/))
		text = substr(text, RLENGTH + 1)
	return text
}

function words(text) {
	gsub(/--[^\n]*\n/, "\n", text)
	gsub(/[ \t\n]+/, " ", text)
	return text
}

# "CREATE VIEW timetrackr.health AS ...": timetrackr.health
function name_of(text,    part) {
	split(text, part, /[ \t\n(;]+/)
	return part[3]
}

# What a function takes and returns; what follows can be replaced.
function shape_of(text) {
	if (!match(text, /\nLANGUAGE /))
		stop("no line of " name_of(text) " begins with LANGUAGE")
	return words(substr(text, 1, RSTART))
}

# Keep a statement: those of the release by what they are about, those of today in order.
function note(text,    what) {
	what = bare(text)
	if (what ~ /^COMMENT ON FUNCTION /)
		note_identity(what)
	if (version == 2)
		today[++count] = text
	if (what ~ /^CREATE FUNCTION /) {
		last_name = name_of(what)
		last_shape = shape_of(what)
		last = count
	}
	else if (what ~ /^CREATE TYPE /)
		types[version, name_of(what)] = words(what)
	else if (what ~ /^CREATE VIEW /)
		views[version, name_of(what)] = 1
	else if (version == 1)
		others[words(what)] = 1
}

# The comment behind a function names its arguments as DROP FUNCTION wants them.
function note_identity(what,    identity) {
	identity = substr(what, 1, index(what, ") IS"))
	sub(/^COMMENT ON FUNCTION /, "", identity)
	identity = words(identity)
	if (substr(identity, 1, index(identity, "(") - 1) != last_name)
		stop("the comment on " identity " does not follow its function")
	shapes[version, identity] = last_shape
	if (version == 1)
		order[++released] = identity
	else
		identity_of[last] = identity
	last_name = ""
}

function stop(why) {
	print "upgrade.awk: " why > "/dev/stderr"
	failed = 1
	exit 1
}

function is_by_hand(text) {
	return index(words(by_hand), text) > 0
}

function is_kept(identity) {
	return shapes[1, identity] == shapes[2, identity]
}

# Views stand on functions, and what is made late may need what was made early.
function print_drops(    i) {
	print_gone(views, "VIEW")
	for (i = released; i > 0; i--)
		if (!is_kept(order[i]))
			print "DROP FUNCTION " order[i] ";"
}

function print_gone(found, kind,    key, part, gone) {
	for (key in found) {
		split(key, part, SUBSEP)
		if (part[1] == 1 && !((2, part[2]) in found))
			gone = gone (gone == "" ? "" : ", ") part[2]
	}
	if (gone != "")
		print "DROP " kind " " gone ";"
}

function print_statement(i,    text, what) {
	text = today[i]
	what = bare(text)
	if (what ~ /^CREATE FUNCTION / && !(i in identity_of))
		stop("function " name_of(what) " has no comment")
	if (what ~ /^CREATE FUNCTION / && is_kept(identity_of[i]))
		sub(/CREATE FUNCTION/, "CREATE OR REPLACE FUNCTION", text)
	else if (what ~ /^CREATE FUNCTION /)
		made = made (made == "" ? "" : ", ") identity_of[i]
	else if (what ~ /^CREATE VIEW /)
		sub(/CREATE VIEW/, "CREATE OR REPLACE VIEW", text)
	else if (what ~ /^CREATE TYPE /) {
		if ((1, name_of(what)) in types) {
			if (types[1, name_of(what)] != words(what) && !is_by_hand("TYPE " name_of(what) " "))
				stop("type " name_of(what) " has changed: say ALTER TYPE in the step")
			return
		}
	}
	else if (what !~ /^COMMENT ON /) {
		if (!(words(what) in others) && !is_by_hand(words(what)))
			stop("there is no rule for: " words(what))
		return
	}
	printf "%s", text
}

END {
	if (failed)
		exit 1
	if (version != 2)
		stop("usage: awk -f upgrade.awk -v step=FILE RELEASED CURRENT")
	print "-- The update script is read by ALTER EXTENSION only."
	print "\\echo Use \"ALTER EXTENSION timetrackr UPDATE\" to load this file. \\quit"
	printf "%s", by_hand
	print_drops()
	for (i = 1; i <= count; i++)
		print_statement(i)
	print_gone(types, "TYPE")
	if (made != "")
		print "\nREVOKE ALL ON FUNCTION " made " FROM PUBLIC;"
}
