/*
 * mailer.c - one slot for each mail that is under way, like delivery.c's. Texts are wiped: there may be
 * the token of a password reset in them, which is stored nowhere else.
 */
#include "mailer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "mail_message.h"
#include "outbound.h"
#include "text.h"

/* Connections to the mail server at a time. */
#define SLOTS 4

/* It has to take a mail within so many ms. */
#define TIMEOUT 60000

/* Columns of claim_mails(), as they are asked for. */
enum
{
	USER_ID, MAIL_ID, MESSAGE_ID, ADDRESS, NAME, SUBJECT, BODY, RESET_TOKEN, UNSUBSCRIBE_TOKEN, CHOICES_TOKEN
};

struct slot
{
	struct mailer *mailer;
	bool		taken;
	char		user_id[24];
	char		mail_id[24];
	char		status[12];
	char		why[300];
	struct text text;
	const char *values[4];
	struct db_query query;
};

struct mailer
{
	struct mailer_options options;
	struct outbound *outbound;
	bool		claiming;
	bool		closing;
	size_t		taken;
	char		room[24];
	const char *values[1];
	struct db_query query;
	struct slot slots[SLOTS];
};

/* Free a text that may hold a secret. */
static void
wipe(struct text *text)
{
	if (text->data != NULL)
		explicit_bzero(text->data, text->capacity);
	text_free(text);
}

static void
free_slot(struct slot *slot)
{
	struct mailer *mailer = slot->mailer;

	wipe(&slot->text);
	slot->taken = false;
	mailer->taken--;
}

/* The database knows, or not, and then it is claimed again in two minutes. */
static void
finished(struct db_query *query, struct db_result *result)
{
	struct slot *slot = query->arg;
	struct mailer *mailer = slot->mailer;

	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "sender_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	free_slot(slot);
	mailer->options.changed(mailer->options.arg);
}

/* Tell the database. */
static void
finish(struct slot *slot)
{
	slot->values[0] = slot->user_id;
	slot->values[1] = slot->mail_id;
	slot->values[2] = slot->status;
	slot->values[3] = slot->why[0] != '\0' ? slot->why : NULL;
	slot->query = (struct db_query) {
		.sql = "SELECT timetrackr.finish_mail($1::bigint, $2::bigint, $3::integer, $4)",
		.value_count = 4, .values = slot->values, .done = finished, .arg = slot
	};
	if (!db_send(slot->mailer->options.db, &slot->query))
		free_slot(slot);
}

static void
answered(void *arg, const struct outbound_answer *answer)
{
	struct slot *slot = arg;
	struct mailer *mailer = slot->mailer;
	bool		good = answer->status >= 200 && answer->status <= 299;

	if (mailer->closing)
	{
		free_slot(slot);
		return;
	}
	snprintf(slot->status, sizeof slot->status, "%d", answer->status);
	snprintf(slot->why, sizeof slot->why, "%s", answer->why != NULL ? answer->why : "");
	relay_count(good ? &mailer->options.metrics->mailed
				: answer->status > 0 ? &mailer->options.metrics->mails_refused
				: &mailer->options.metrics->mails_undelivered, 1);
	if (!good)
		log_event(LEVEL_WARN, "mail_failed", "user_id", slot->user_id, "mail_id", slot->mail_id,
				  "status", slot->status, "error", slot->why, NULL);
	finish(slot);
}

/* The page that takes the token of a reset. */
static void
write_link(struct text *link, const char *page, const char *token)
{
	const char *place = strstr(page, CONFIG_MAIL_TOKEN);

	text_add_bytes(link, page, (size_t) (place - page));
	text_add_percent(link, token);
	text_add(link, place + strlen(CONFIG_MAIL_TOKEN));
}

/* What ends mails, as an address. */
static void
write_subscription(struct text *link, const struct config_mail *config, const char *token)
{
	if (token != NULL)
		text_printf(link, "%s/mail/unsubscribe/%s", config->public_url, token);
}

/* Write a row of claim_mails() as a mail; false when memory is out. */
static bool
write_mail(struct slot *slot, const struct db_result *result, int row)
{
	const struct config_mail *config = slot->mailer->options.config;
	const char *reset_token = db_result_value(result, row, RESET_TOKEN);
	struct text link = {0};
	struct text unsubscribe = {0};
	struct text choices = {0};
	bool		good;

	if (reset_token != NULL)
		write_link(&link, config->reset_url, reset_token);
	write_subscription(&unsubscribe, config, db_result_value(result, row, UNSUBSCRIBE_TOKEN));
	write_subscription(&choices, config, db_result_value(result, row, CHOICES_TOKEN));
	good = !link.failed && !unsubscribe.failed && !choices.failed && mail_message_write(&slot->text, &(struct mail_message) {
		.from_name = config->from_name,
		.from_address = config->from_address,
		.to_name = db_result_value(result, row, NAME),
		.to_address = db_result_value(result, row, ADDRESS),
		.subject = db_result_value(result, row, SUBJECT),
		.body = db_result_value(result, row, BODY),
		.link = link.data,
		.message_id = db_result_value(result, row, MESSAGE_ID),
		.unsubscribe = unsubscribe.data,
		.choices = choices.data,
		.date = time(NULL)
	});
	wipe(&link);
	text_free(&unsubscribe);
	text_free(&choices);
	return good;
}

static struct slot *
take_slot(struct mailer *mailer)
{
	for (size_t i = 0; i < SLOTS; i++)
	{
		struct slot *slot = &mailer->slots[i];

		if (slot->taken)
			continue;
		*slot = (struct slot) {.mailer = mailer, .taken = true};
		mailer->taken++;
		return slot;
	}
	return NULL;
}

/* Send a row of claim_mails(). What cannot be sent, for lack of memory, is claimed again in two minutes. */
static void
post(struct mailer *mailer, const struct db_result *result, int row)
{
	struct slot *slot = take_slot(mailer);

	if (slot == NULL)
		return;
	snprintf(slot->user_id, sizeof slot->user_id, "%s", db_result_value(result, row, USER_ID));
	snprintf(slot->mail_id, sizeof slot->mail_id, "%s", db_result_value(result, row, MAIL_ID));
	if (!write_mail(slot, result, row) || !outbound_mail(mailer->outbound, &(struct outbound_mail) {
		.url = mailer->options.config->server,
		.needs_tls = mailer->options.config->needs_tls,
		.ca_file = mailer->options.config->ca_file,
		.from = mailer->options.config->from_address,
		.to = db_result_value(result, row, ADDRESS),
		.text = slot->text.data,
		.length = slot->text.length,
		.timeout_ms = TIMEOUT,
		.done = answered,
		.arg = slot
	}))
		free_slot(slot);
}

static void
claimed(struct db_query *query, struct db_result *result)
{
	struct mailer *mailer = query->arg;

	mailer->claiming = false;
	if (mailer->closing || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		log_event(LEVEL_ERROR, "sender_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
		return;
	}
	for (int row = 0; row < db_result_rows(result); row++)
		post(mailer, result, row);
}

void
mailer_claim(struct mailer *mailer)
{
	if (mailer->claiming || mailer->taken == SLOTS)
		return;
	snprintf(mailer->room, sizeof mailer->room, "%zu", SLOTS - mailer->taken);
	mailer->values[0] = mailer->room;
	mailer->query = (struct db_query) {
		.sql = "SELECT user_id, mail_id, message_id, address, name, subject, body, reset_token, unsubscribe_token,"
		" choices_token"
		" FROM timetrackr.claim_mails($1::integer)",
		.value_count = 1, .values = mailer->values, .done = claimed, .arg = mailer
	};
	mailer->claiming = db_send(mailer->options.db, &mailer->query);
}

bool
mailer_is_idle(const struct mailer *mailer)
{
	return mailer->taken == 0 && !mailer->claiming;
}

struct mailer *
mailer_open(struct loop *loop, const struct mailer_options *options)
{
	struct mailer *mailer = calloc(1, sizeof *mailer);

	if (mailer == NULL)
		return NULL;
	mailer->options = *options;
	mailer->outbound = outbound_open(loop, SLOTS);
	if (mailer->outbound != NULL)
		return mailer;
	free(mailer);
	return NULL;
}

void
mailer_close(struct mailer *mailer)
{
	if (mailer == NULL)
		return;
	mailer->closing = true;
	outbound_close(mailer->outbound);
	free(mailer);
}
