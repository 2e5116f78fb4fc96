/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_helper.h - tarn as mount(8) calls it, for a line of /etc/fstab, too:
 *
 *	mount -t fuse.tarn STORE DIR -o OPTION,...
 *
 * mount(8) runs "mount.fuse.tarn STORE DIR [-sfnv] [-o OPTIONS] [-t TYPE]", a
 * link to tarn; where there is none, mount.fuse3(8) runs tarn with the same
 * words.
 */
#pragma once

#include <stdbool.h>

/* Whether these are the words of mount(8). */
bool mount_helper_is_meant(int argc, char **argv);

/* As the command "mount" with --background; the exit status is mount(8)'s. */
int mount_helper_run(int argc, char **argv);
