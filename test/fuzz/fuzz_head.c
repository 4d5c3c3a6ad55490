/*
 * fuzz_head.c - heads of requests, through libmicrohttpd's parser as http.c
 * has it: whatever it lets through, head.c looks at in the parser's own buffer.
 */
#include "fuzz.h"

#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "head.h"

static const char *place;
static char target_copy[32768];	/* the parser decodes it where it stands */

static void *
note_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	(void) arg;
	(void) connection;
	place = target;
	CLAIM(snprintf(target_copy, sizeof target_copy, "%s", target) < (int) sizeof target_copy);
	return NULL;
}

static enum MHD_Result
note_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_length,
		   const char *value, size_t value_length)
{
	(void) kind;
	head_add(arg, name, name_length, value != NULL ? value : name + name_length, value_length);
	return MHD_YES;
}

static void
check(const struct head *head, const char *method)
{
	const struct request_head *request = &head->request;

	CLAIM(request->method == method);
	CLAIM(head->is_1_1 == request->is_1_1);
	CLAIM(head->hosts <= 1 && head->lengths <= 1 && (head->lengths == 0 || !head->is_chunked));
	CLAIM(strpbrk(target_copy, " \t\r\n") == NULL);
	CLAIM(!head->is_1_1 || request->host != NULL);
	CLAIM(request->announces_body || request->content_length == 0);
	CLAIM(request->authorization == NULL || strlen(request->authorization) < 12288);
}

static enum MHD_Result
come(void *arg, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
	 const char *data, size_t *size, void **context)
{
	const union MHD_ConnectionInfo *size_info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const struct head_line line = {method, place, version, target_copy};
	struct head head;
	struct MHD_Response *response;
	enum MHD_Result queued;

	(void) arg;
	(void) url;
	(void) data;
	if (*context == NULL)
	{
		*context = connection;
		CLAIM(size_info != NULL);
		head_begin(&head, &line);
		MHD_get_connection_values_n(connection, MHD_HEADER_KIND, note_field, &head);
		head_end(&head, method + size_info->header_size);
		if (head.fault == NULL)
			check(&head, method);
		return MHD_YES;
	}
	*size = 0;
	response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	CLAIM(response != NULL);
	queued = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return queued;
}

static struct MHD_Daemon *
start(void)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, come, NULL,
							MHD_OPTION_URI_LOG_CALLBACK, note_target, NULL,
							MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) 12288, MHD_OPTION_END);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct MHD_Daemon *daemon;
	struct sockaddr_in address = {.sin_family = AF_INET};
	int			ends[2];

	if (size > 32768)
		return -1;
	if (daemon == NULL)
		daemon = start();
	CLAIM(daemon != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	CLAIM(MHD_add_connection(daemon, ends[0], (struct sockaddr *) &address, sizeof address) == MHD_YES);
	CLAIM(send(ends[1], data, size, MSG_NOSIGNAL) == (ssize_t) size && shutdown(ends[1], SHUT_WR) == 0);
	for (int i = 0; i < 1000; i++)
	{
		const union MHD_DaemonInfo *info;

		CLAIM(MHD_run(daemon) == MHD_YES);
		info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
		if (info->num_connections == 0)
			break;
	}
	close(ends[1]);
	CLAIM(MHD_run(daemon) == MHD_YES);
	return 0;
}
