/*
 * libnss_muster.so.2: what glibc calls (DESIGN.md 7). Results lie in the caller's buffer; nothing is logged, no
 * socket, no environment, no lock. NSS_STATUS_NOTFOUND is proven, whatever cannot be known is UNAVAIL (N4).
 */
#ifndef NSS_NSS_MUSTER_H
#define NSS_NSS_MUSTER_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>

#include "common/macros.h"

enum nss_status _nss_muster_getpwnam_r(const char *name, struct passwd *result, char *buffer, size_t buflen,
				       int *errnop) EXPORT;
enum nss_status _nss_muster_getpwuid_r(uid_t uid, struct passwd *result, char *buffer, size_t buflen,
				       int *errnop) EXPORT;
enum nss_status _nss_muster_setpwent(int stayopen) EXPORT;
enum nss_status _nss_muster_getpwent_r(struct passwd *result, char *buffer, size_t buflen, int *errnop) EXPORT;
enum nss_status _nss_muster_endpwent(void) EXPORT;

enum nss_status _nss_muster_getgrnam_r(const char *name, struct group *result, char *buffer, size_t buflen,
				       int *errnop) EXPORT;
enum nss_status _nss_muster_getgrgid_r(gid_t gid, struct group *result, char *buffer, size_t buflen,
				       int *errnop) EXPORT;
enum nss_status _nss_muster_setgrent(int stayopen) EXPORT;
enum nss_status _nss_muster_getgrent_r(struct group *result, char *buffer, size_t buflen, int *errnop) EXPORT;
enum nss_status _nss_muster_endgrent(void) EXPORT;

/* Adds USER's groups but GROUP to *GROUPSP, which has room for *SIZE and holds *START; at most LIMIT, if > 0. */
enum nss_status _nss_muster_initgroups_dyn(const char *user, gid_t group, long int *start, long int *size,
					   gid_t **groupsp, long int limit, int *errnop) EXPORT;

#endif
