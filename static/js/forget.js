// Nobody is signed in here any more: the crew's list that was kept for where there is no net goes. What waits stays.
if ("caches" in self) caches.delete("wenlu-field");
