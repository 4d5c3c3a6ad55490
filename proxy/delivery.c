/*
 * delivery.c - one slot for each request to a webhook that is under way.
 *
 * A slot is taken when its delivery is claimed, and free again when the database knows what
 * became of it. Should it not get to know, the delivery is claimed again by whoever sends then.
 */
#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "outbound.h"

/* Requests at a time; one webhook has one. */
#define SLOTS 64

/* An answer has to be there within so many ms. */
#define TIMEOUT 15000

/* Columns of claim_deliveries(), as they are asked for. */
enum
{
	USER_ID, DELIVERY_ID, URL, MESSAGE_ID, SENT_AT, SIGNATURE, BODY
};

struct slot
{
	struct deliveries *deliveries;
	bool		taken;
	char		user_id[24];
	char		delivery_id[24];
	char		status[12];
	char		retry_after[24];
	char		why[300];
	char	   *body;
	const char *values[5];
	struct db_query query;
};

struct deliveries
{
	struct delivery_options options;
	struct outbound *outbound;
	bool		claiming;
	bool		closing;
	size_t		taken;
	char		room[24];
	const char *values[1];
	struct db_query query;
	struct slot slots[SLOTS];
};

static void
free_slot(struct slot *slot)
{
	struct deliveries *deliveries = slot->deliveries;

	free(slot->body);
	slot->body = NULL;
	slot->taken = false;
	deliveries->taken--;
}

/* The database knows, or not, and then it is claimed again in a minute. */
static void
finished(struct db_query *query, struct db_result *result)
{
	struct slot *slot = query->arg;
	struct deliveries *deliveries = slot->deliveries;
	const char *disabled = NULL;

	if (db_result_outcome(result) == DB_ERROR)
		log_event(LEVEL_ERROR, "sender_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
	else if (db_result_outcome(result) == DB_OK && db_result_rows(result) == 1)
		disabled = db_result_value(result, 0, 0);
	if (disabled != NULL)
		log_event(LEVEL_INFO, "webhook_disabled", "user_id", slot->user_id, "delivery_id", slot->delivery_id,
				  "reason", disabled, NULL);
	free_slot(slot);
	deliveries->options.changed(deliveries->options.arg);
}

/* Tell the database. */
static void
finish(struct slot *slot)
{
	struct deliveries *deliveries = slot->deliveries;

	slot->values[0] = slot->user_id;
	slot->values[1] = slot->delivery_id;
	slot->values[2] = slot->status;
	slot->values[3] = slot->why[0] != '\0' ? slot->why : NULL;
	slot->values[4] = slot->retry_after;
	slot->query = (struct db_query) {
		.sql = "SELECT timetrackr.finish_delivery($1::bigint, $2::bigint, $3::integer, $4, $5::integer)",
		.value_count = 5, .values = slot->values, .done = finished, .arg = slot
	};
	if (!db_send(deliveries->options.db, &slot->query))
		free_slot(slot);
}

static void
answered(void *arg, const struct outbound_answer *answer)
{
	struct slot *slot = arg;
	struct deliveries *deliveries = slot->deliveries;
	bool		good = answer->status >= 200 && answer->status <= 299;

	if (deliveries->closing)
	{
		free_slot(slot);
		return;
	}
	snprintf(slot->status, sizeof slot->status, "%d", answer->status);
	snprintf(slot->retry_after, sizeof slot->retry_after, "%ld", answer->retry_after);
	snprintf(slot->why, sizeof slot->why, "%s", answer->why != NULL ? answer->why : "");
	relay_count(good ? &deliveries->options.metrics->delivered : &deliveries->options.metrics->undelivered, 1);
	if (!good)
		log_event(LEVEL_DEBUG, "webhook_failed", "user_id", slot->user_id, "delivery_id", slot->delivery_id,
				  "status", slot->status, "error", slot->why, NULL);
	finish(slot);
}

static struct slot *
take_slot(struct deliveries *deliveries)
{
	for (size_t i = 0; i < SLOTS; i++)
	{
		struct slot *slot = &deliveries->slots[i];

		if (slot->taken)
			continue;
		*slot = (struct slot) {.deliveries = deliveries, .taken = true};
		deliveries->taken++;
		return slot;
	}
	return NULL;
}

/* Send a row of claim_deliveries(). What cannot be sent, for lack of memory, is claimed again in a minute. */
static void
post(struct deliveries *deliveries, const struct db_result *result, int row)
{
	struct slot *slot = take_slot(deliveries);
	char		id[128];
	char		timestamp[64];
	char		signature[256];
	const char *headers[] = {"Content-Type: application/json", id, timestamp, signature, NULL};
	struct outbound_request request = {
		.url = db_result_value(result, row, URL),
		.headers = headers,
		.length = db_result_length(result, row, BODY),
		.timeout_ms = TIMEOUT,
		.allow_private = deliveries->options.allow_private,
		.done = answered,
		.arg = slot
	};

	if (slot == NULL)
		return;
	snprintf(slot->user_id, sizeof slot->user_id, "%s", db_result_value(result, row, USER_ID));
	snprintf(slot->delivery_id, sizeof slot->delivery_id, "%s", db_result_value(result, row, DELIVERY_ID));
	snprintf(id, sizeof id, "webhook-id: %s", db_result_value(result, row, MESSAGE_ID));
	snprintf(timestamp, sizeof timestamp, "webhook-timestamp: %s", db_result_value(result, row, SENT_AT));
	snprintf(signature, sizeof signature, "webhook-signature: %s", db_result_value(result, row, SIGNATURE));
	slot->body = strndup(db_result_value(result, row, BODY), request.length);
	request.body = slot->body;
	if (slot->body == NULL || !outbound_send(deliveries->outbound, &request))
		free_slot(slot);
}

static void
claimed(struct db_query *query, struct db_result *result)
{
	struct deliveries *deliveries = query->arg;

	deliveries->claiming = false;
	if (deliveries->closing || db_result_outcome(result) == DB_LOST)
		return;
	if (db_result_outcome(result) == DB_ERROR)
	{
		log_event(LEVEL_ERROR, "sender_refused", "sqlstate", db_error_sqlstate(result),
				  "error", db_error_message(result), NULL);
		return;
	}
	for (int row = 0; row < db_result_rows(result); row++)
		post(deliveries, result, row);
}

void
deliveries_claim(struct deliveries *deliveries)
{
	if (deliveries->claiming || deliveries->taken == SLOTS)
		return;
	snprintf(deliveries->room, sizeof deliveries->room, "%zu", SLOTS - deliveries->taken);
	deliveries->values[0] = deliveries->room;
	deliveries->query = (struct db_query) {
		.sql = "SELECT user_id, delivery_id, url, message_id, sent_at, signature, body"
		" FROM timetrackr.claim_deliveries($1::integer)",
		.value_count = 1, .values = deliveries->values, .done = claimed, .arg = deliveries
	};
	deliveries->claiming = db_send(deliveries->options.db, &deliveries->query);
}

bool
deliveries_are_idle(const struct deliveries *deliveries)
{
	return deliveries->taken == 0 && !deliveries->claiming;
}

struct deliveries *
deliveries_open(struct loop *loop, const struct delivery_options *options)
{
	struct deliveries *deliveries = calloc(1, sizeof *deliveries);

	if (deliveries == NULL)
		return NULL;
	deliveries->options = *options;
	deliveries->outbound = outbound_open(loop, SLOTS);
	if (deliveries->outbound != NULL)
		return deliveries;
	free(deliveries);
	return NULL;
}

void
deliveries_close(struct deliveries *deliveries)
{
	if (deliveries == NULL)
		return;
	deliveries->closing = true;
	outbound_close(deliveries->outbound);
	free(deliveries);
}
