/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MODEL_RANDOM_H
#define MODEL_RANDOM_H

/* The next number from *@state: splitmix64, see https://prng.di.unimi.it/splitmix64.c */
static inline unsigned int any(unsigned long long *state)
{
	unsigned long long z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) >> 32;
}

#endif
