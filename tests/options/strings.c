// SPDX-License-Identifier: GPL-2.0
/* Sequences that are made up, and the text by which one is told and given again. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest.h"

#include "fuzz.h"

#define PAGE 4096
#define ARENA (64 << 20)

static const char *const names[CALLS] = {
	[MOUNT] = "mount", [REMOUNT] = "remount", [BIND_REMOUNT] = "bind-remount",
	[AGAIN] = "again", [OPEN] = "open", [PICK] = "pick", [FLAG] = "flag", [STRING] = "string",
	[BINARY] = "binary", [PATH] = "path", [PATH_EMPTY] = "path-empty", [FD] = "fd",
	[CREATE] = "create", [CREATE_EXCL] = "create-excl", [FSMOUNT] = "fsmount",
	[RECONFIGURE] = "reconfigure",
};

/* What is near the option, and is not it, or has another value. */
static const struct text near[] = {
#define NEAR(text) { text, sizeof(text) - 1 }
	NEAR("IMA_NOCACHE"), NEAR("Ima_nocache"), NEAR("ima_nocachE"), NEAR("noima_nocache"),
	NEAR("no" OPTION "=bind"), NEAR("no_" OPTION), NEAR("ima_nonocache"), NEAR("ima_cache"),
	NEAR("ima_nocach"), NEAR("ima_nocachee"), NEAR(OPTION "s"), NEAR("ima"), NEAR("nocache"),
	NEAR("ima-nocache"), NEAR("ima.nocache"), NEAR("ima nocache"), NEAR(OPTION " "),
	NEAR(" " OPTION), NEAR(OPTION "\t"), NEAR(OPTION "\n"), NEAR("x" OPTION),
	NEAR("x " OPTION), NEAR(OPTION "\xff"), NEAR("\xff" OPTION), NEAR("ima_\xffnocache"),
	NEAR("\xef\xbb\xbf" OPTION), NEAR(OPTION ":bind"), NEAR(OPTION ";bind"),
	NEAR(OPTION "bind"), NEAR(OPTION "_bind"), NEAR("x=" OPTION), NEAR("x=" BIND),
	NEAR("=" OPTION), NEAR("=" BIND), NEAR("==" OPTION), NEAR("\\" OPTION),
	NEAR(OPTION "\\"), NEAR("\\," OPTION), NEAR("a\\," OPTION), NEAR("a\\\\," OPTION),
	NEAR(OPTION "\\,"), NEAR("\\\\\\," BIND), NEAR(BIND "\\"), NEAR("\"" OPTION "\""),
	NEAR("\"" OPTION), NEAR(OPTION "\""), NEAR("'" OPTION "'"), NEAR("x=\"" OPTION "\""),
	NEAR("x=\"a," OPTION ",b\""), NEAR("x=\"a," BIND ",b\""),
	NEAR("context=\"a," OPTION ",b\""), NEAR("context=a"), NEAR("context=\"" OPTION ","),
	NEAR(OPTION "="), NEAR(OPTION "=1"), NEAR(OPTION "=0"), NEAR(OPTION "=x"),
	NEAR(OPTION "=no"), NEAR(OPTION "=off"), NEAR(OPTION "==bind"), NEAR(OPTION "=bin"),
	NEAR(OPTION "=Bind"), NEAR(OPTION "=BIND"), NEAR(BIND "x"), NEAR(BIND "="),
	NEAR(BIND " "), NEAR(OPTION "= bind"), NEAR(BIND "\xff"), NEAR(OPTION "=\"bind\""),
	NEAR(OPTION "=bind:x"), NEAR(BIND ";x"), NEAR(OPTION "=" OPTION), NEAR(OPTION "\0"),
	NEAR(OPTION "\0x"), NEAR("\0" OPTION), NEAR(BIND "\0x"), NEAR(OPTION "=\0bind"),
	NEAR(OPTION "\0=bind"), NEAR("ima_\0nocache"), NEAR("ima_nocache.bind"), NEAR("nobind"),
	NEAR("bind"), NEAR("source=" OPTION),
};

static char *arena;
static size_t used;

void *keep(const void *bytes, size_t len)
{
	char *place;

	if (!arena)
		arena = malloc(ARENA);
	if (!arena || used + len > ARENA)
		abort();
	place = arena + used;
	used += len;
	return memcpy(place, bytes, len);
}

void forget(void)
{
	used = 0;
}

/* A string that grows. */
static char built[MOST_BYTES];
static size_t built_len;

static void add(const char *bytes, size_t len)
{
	if (built_len + len > MOST_BYTES)
		len = MOST_BYTES - built_len;
	memcpy(built + built_len, bytes, len);
	built_len += len;
}

static void add_many(char c, size_t n)
{
	while (n-- && built_len < MOST_BYTES)
		built[built_len++] = c;
}

static void add_word(const char *word)
{
	add(word, strlen(word));
}

/* From one below the limits of fsconfig(2) and mount(2) to beyond them. */
static size_t some_length(unsigned long long *state)
{
	static const size_t lengths[] = { 256, 256, 512, PAGE, PAGE, 2 * PAGE };

	return lengths[any(state) % ARRAY_SIZE(lengths)] - 20 + any(state) % 24;
}

static void add_long(unsigned long long *state)
{
	switch (any(state) % 5) {
	case 0:
		add_word(OPTION "=");
		add_many('b', some_length(state));
		break;
	case 1:
		add_word(BIND);
		add_many(any(state) % 2 ? ' ' : 'd', some_length(state));
		break;
	case 2:
		/* the end of a page is somewhere in the option */
		add_word("x=");
		add_many('a', some_length(state));
		add_word(any(state) % 2 ? "," OPTION : "," BIND);
		break;
	case 3:
		add_many(',', some_length(state));
		add_word(any(state) % 2 ? OPTION : BIND);
		break;
	default:
		add_many('a', some_length(state));
		add_word("=" OPTION);
	}
}

static const char *any_word(const struct type *type, unsigned long long *state)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(type->words) && type->words[n])
		n++;
	return n ? type->words[any(state) % n] : "";
}

static void add_letter(unsigned long long *state)
{
	static const char letters[] = "a,=\\\"\xff \0:iI_b";

	add(letters + any(state) % (sizeof(letters) - 1), 1);
}

static void add_noise(unsigned long long *state)
{
	for (int n = 1 + any(state) % 12; n; n--)
		add_letter(state);
}

/* One of the list, or the option with a letter more, at an end of it in most cases. */
static void add_near(unsigned long long *state)
{
	const struct text *other = &near[any(state) % ARRAY_SIZE(near)];
	const char *word = any(state) % 2 ? OPTION : BIND;
	size_t len = strlen(word), ends[] = { 0, len, any(state) % len };
	size_t at = ends[any(state) % ARRAY_SIZE(ends)];

	if (any(state) % 2) {
		add(other->bytes, other->len);
		return;
	}
	add(word, at);
	add_letter(state);
	add_word(word + at);
}

static void add_option(const struct type *type, unsigned long long *state, bool tame)
{
	unsigned int kind = any(state) % (tame ? 8 : 16);

	if (kind < 3)
		add_word(any_word(type, state));
	else if (kind < 5)
		add_word(OPTION);
	else if (kind < 7)
		add_word(BIND);
	else if (kind == 13)
		add_long(state);
	else if (kind == 14)
		add_noise(state);
	else if (kind > 7)
		add_near(state);
}

/* Some bytes of it become others, go, or are there twice. */
static void mutate(unsigned long long *state)
{
	for (int n = 1 + any(state) % 3; n && built_len; n--) {
		size_t at = any(state) % built_len;

		switch (any(state) % 4) {
		case 0:
			built[at] = built[any(state) % built_len];
			break;
		case 1:
			built[at] ^= 1 << any(state) % 8;
			break;
		case 2:
			memmove(built + at, built + at + 1, --built_len - at);
			break;
		default:
			if (built_len < MOST_BYTES)
				memmove(built + at + 1, built + at, built_len++ - at);
		}
	}
}

static const char *any_base(const struct type *type, unsigned long long *state)
{
	size_t n = 0;

	while (n < ARRAY_SIZE(type->base) && type->base[n])
		n++;
	return n ? type->base[any(state) % n] : NULL;
}

/* Whether a string is likely to be refused, for what else is in it. */
static bool is_tame(const struct type *type, unsigned long long *state)
{
	return any(state) % 8 >= (type->careless ? 7 : 3);
}

static struct text draw_list(const struct type *type, unsigned long long *state, bool with_base)
{
	const char *base = with_base ? any_base(type, state) : NULL;
	bool tame = is_tame(type, state);
	int n = any(state) % 5, at = any(state) % (n + 1);
	/* one that is near it, among those that the type takes */
	int odd = tame && n && any(state) % 2 ? (int)(any(state) % n) : -1;

	if (!n && !base && any(state) % 2)
		return (struct text){ 0 };
	built_len = 0;
	for (int i = 0; i <= n; i++) {
		if (i == at && base)
			add_word(base);
		if ((i == at && base && i < n) || (i && i < n))
			add_word(",");
		if (i == odd)
			add_near(state);
		else if (i < n)
			add_option(type, state, tame);
	}
	if (!tame && any(state) % 4 == 0)
		mutate(state);
	return (struct text){ keep(built, built_len), built_len };
}

static struct step *add_step(struct sequence *s, enum call which)
{
	struct step *step = &s->step[s->steps++];

	*step = (struct step){ .call = which };
	return step;
}

static void add_list_step(struct sequence *s, enum call which, unsigned long long *state)
{
	struct step *step = add_step(s, which);

	step->value = draw_list(s->type, state, which == MOUNT || which == AGAIN);
	step->edge = step->value.bytes && any(state) % 4 == 0;
}

/* The call that gives "key=value" or "key", or another one. */
static void add_parameter(struct sequence *s, const char *bytes, size_t len,
			  unsigned long long *state)
{
	static const enum call others[] = { FLAG, STRING, BINARY, PATH, PATH_EMPTY, FD };
	const char *value = len ? memchr(bytes + 1, '=', len - 1) : NULL;
	struct step *step = add_step(s, value ? STRING : FLAG);

	step->key = (struct text){ keep(bytes, len), value ? (size_t)(value - bytes) : len };
	if (any(state) % 8 == 0)
		step->call = others[any(state) % ARRAY_SIZE(others)];
	if (step->call != FLAG && step->call != FD) {
		step->value.len = value ? len - step->key.len - 1 : 0;
		step->value.bytes = value ? step->key.bytes + step->key.len + 1 : "";
	}
	step->edge = any(state) % 16 == 0;
}

/* Each word of a list. */
static void add_parameters(struct sequence *s, const char *list, unsigned long long *state)
{
	for (size_t len; list && *list; list += len + !!list[len]) {
		len = strcspn(list, ",");
		add_parameter(s, list, len, state);
	}
}

static void draw_parameters(struct sequence *s, unsigned long long *state)
{
	bool tame = is_tame(s->type, state);

	for (int n = any(state) % 4; n; n--) {
		built_len = 0;
		add_option(s->type, state, tame);
		if (!tame && any(state) % 8 == 0)
			mutate(state);
		add_parameter(s, built, built_len, state);
	}
}

static void draw_fsconfig(struct sequence *s, unsigned long long *state)
{
	add_step(s, OPEN);
	if (s->type->source) {
		const char *source = getenv(s->type->source);
		struct step *step = add_step(s, STRING);

		step->key = (struct text){ "source", 6 };
		step->value = (struct text){ source, strlen(source) };
	}
	draw_parameters(s, state);
	add_parameters(s, any_base(s->type, state), state);
	draw_parameters(s, state);
	add_step(s, any(state) % 16 ? CREATE : CREATE_EXCL);
	add_step(s, FSMOUNT);
	for (int n = any(state) % 3; n; n--) {
		if (any(state) % 2)
			add_step(s, PICK);
		draw_parameters(s, state);
		add_step(s, RECONFIGURE);
	}
	if (any(state) % 4 == 0)
		add_list_step(s, any(state) % 2 ? REMOUNT : AGAIN, state);
	/* in another order */
	for (int n = any(state) % 8 ? 0 : 1 + any(state) % 3; n; n--) {
		int a = any(state) % s->steps, b = any(state) % s->steps;
		struct step step = s->step[a];

		s->step[a] = s->step[b];
		s->step[b] = step;
	}
}

static const struct type *any_type(unsigned long long *state)
{
	int sum = 0, at;

	for (int i = 0; i < types; i++)
		sum += found[i]->share;
	at = any(state) % sum;
	for (int i = 0; i < types; i++) {
		at -= found[i]->share;
		if (at < 0)
			return found[i];
	}
	return NULL;
}

void draw_sequence(struct sequence *s, unsigned long long seed, bool fsconfig)
{
	static const enum call later[] = { REMOUNT, REMOUNT, REMOUNT, BIND_REMOUNT, AGAIN };
	unsigned long long state = seed;

	s->steps = 0;
	s->type = any_type(&state);
	if (fsconfig) {
		draw_fsconfig(s, &state);
		return;
	}
	add_list_step(s, MOUNT, &state);
	for (int n = any(&state) % 3; n; n--)
		add_list_step(s, later[any(&state) % ARRAY_SIZE(later)], &state);
}

/*
 * As text: the type and the steps, with "+" between them. A step is "call", "call:value" or
 * "call:key=value", with "@" behind the call for an edge. "\xNN" is a byte, "\*N;" says that
 * the one before is there N times.
 */
static void print_text(const struct text *t, bool is_key)
{
	for (size_t i = 0, n; i < t->len; i += n) {
		unsigned char c = t->bytes[i];

		for (n = 1; i + n < t->len && t->bytes[i + n] == t->bytes[i];)
			n++;
		printf(isalnum(c) || (c && strchr("_,.:/-", c)) || (c == '=' && !is_key) ?
		       "%c" : "\\x%02x", c);
		if (n > 8)
			printf("\\*%zu;", n);
		else
			n = 1;
	}
}

void print_sequence(const char *who, const struct sequence *s)
{
	printf("IMA_TEST_STRING=%s+%s", who, s->type->name);
	for (int i = 0; i < s->steps; i++) {
		const struct step *step = &s->step[i];

		printf("+%s%s", names[step->call], step->edge ? "@" : "");
		if (step->key.bytes || step->value.bytes)
			printf(":");
		if (step->key.bytes)
			print_text(&step->key, true);
		if (step->key.bytes && step->value.bytes)
			printf("=");
		if (step->value.bytes)
			print_text(&step->value, false);
	}
	printf("\n");
}

static struct text parse_text(const char *text, const char *end)
{
	unsigned int byte, n;

	built_len = 0;
	while (text < end) {
		if (sscanf(text, "\\x%2x", &byte) == 1) {
			built[built_len++] = byte;
			text += 4;
		} else if (sscanf(text, "\\*%u;", &n) == 1) {
			add_many(built[built_len - 1], n - 1);
			text = strchr(text, ';') + 1;
		} else {
			built[built_len++] = *text++;
		}
	}
	return (struct text){ keep(built, built_len), built_len };
}

static int parse_step(struct sequence *s, char *text)
{
	char *given = strchr(text, ':'), *end = strchr(text, '\0'), *equals;
	struct step *step;
	size_t len = given ? (size_t)(given - text) : strlen(text);
	bool edge = len && text[len - 1] == '@';

	for (int call = 0; call < CALLS; call++) {
		if (strlen(names[call]) != len - edge || memcmp(names[call], text, len - edge) ||
		    s->steps == MOST_STEPS)
			continue;
		step = add_step(s, call);
		step->edge = edge;
		if (given && call >= FLAG && call <= FD) {
			equals = strchr(given, '=');
			step->key = parse_text(given + 1, equals ?: end);
			if (equals)
				step->value = parse_text(equals + 1, end);
		} else if (given) {
			step->value = parse_text(given + 1, end);
		}
		return 0;
	}
	return -1;
}

const char *parse_sequence(char *text, struct sequence *s)
{
	const char *type = strsep(&text, "+");

	s->steps = 0;
	while (text)
		if (parse_step(s, strsep(&text, "+")))
			return NULL;
	return type;
}
